using System.Text.Json.Serialization;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>What a figure is held against.</summary>
/// <param name="Value">In the figure's unit.</param>
internal sealed record Target(double Value, bool AtLeast)
{
    public bool IsMetBy(double value) => AtLeast ? value >= Value : value <= Value;
}

/// <summary>One thing that a benchmark measures.</summary>
/// <param name="Name">Stable, for scripts.</param>
/// <param name="What">For people.</param>
internal sealed record Quantity(string Name, string Unit, string What, Target? Target = null)
{
    public static Quantity AtLeast(double target, string name, string unit, string what) => new(name, unit, what, new Target(target, true));

    public static Quantity AtMost(double target, string name, string unit, string what) => new(name, unit, what, new Target(target, false));
}

/// <summary>A quantity as measured: the median over rounds, and how far the rounds lay apart.</summary>
/// <param name="Met">Whether the median meets the target; null where there is none.</param>
internal sealed record Figure(
    string Name, string What, string Unit, double Median, double Lowest, double Highest, int Rounds, double? Target, string? Bound, bool? Met);

/// <summary>Where it was measured; figures of different machines say little about each other.</summary>
internal sealed record Machine(int Cores, string Processor, long MemoryMiB, string System, string Runtime);

/// <summary>What a run of a benchmark found.</summary>
/// <param name="Settings">The sizes that it ran with.</param>
internal sealed record BenchmarkResult(
    string Benchmark, DateTimeOffset At, Machine Machine, IReadOnlyDictionary<string, string> Settings, IReadOnlyList<Figure> Figures);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(BenchmarkResult))]
internal sealed partial class BenchmarkJson : JsonSerializerContext;
