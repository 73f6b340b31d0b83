using RagCluster.Nodes.Benchmarks;

namespace RagCluster.Nodes.Tests.Benchmarks;

/// <summary>A benchmark that sums up wrongly is worse than none.</summary>
public sealed class RecorderTests
{
    private static readonly Quantity Fast = Quantity.AtLeast(100, "fast", "1/s", "fast enough");
    private static readonly Quantity Small = Quantity.AtMost(10, "small", "MiB", "small enough");

    [Fact]
    public void The_median_is_told_and_held_against_the_target()
    {
        var recorder = new Recorder(TextWriter.Null);
        foreach (var value in (double[])[99, 250, 101])
        {
            recorder.Add(Fast, value);
        }

        recorder.Add(Small, 10.5);
        recorder.Figures().ShouldBe(
        [
            new Figure("fast", "fast enough", "1/s", 101, 99, 250, 3, 100, "at least", true),
            new Figure("small", "small enough", "MiB", 10.5, 10.5, 10.5, 1, 10, "at most", false),
        ]);
    }

    [Theory]
    [InlineData(0, 1)]
    [InlineData(0.5, 2.5)]
    [InlineData(0.99, 3.97)]
    [InlineData(1, 4)]
    public void Quantiles_are_interpolated(double share, double expected) => Quantiles.OfSorted([1, 2, 3, 4], share).ShouldBe(expected, 1e-9);

    [Fact]
    public void No_samples_have_no_quantile() => Quantiles.OfSorted([], 0.5).ShouldBe(double.NaN);

    [Fact]
    public void The_table_has_a_line_for_each_figure_and_says_what_is_missed()
    {
        var recorder = new Recorder(TextWriter.Null);
        recorder.Add(Fast, 12_345_678);
        recorder.Add(Small, 11);
        using var table = new StringWriter();
        ResultTable.Write(table, new BenchmarkResult("test", DateTimeOffset.UnixEpoch, MachineReader.Read(), recorder.Settings, recorder.Figures()));
        var lines = table.ToString().Split('\n');
        lines.ShouldContain(l => l.Contains("12,350,000") && l.Contains(">= 100") && l.EndsWith("met", StringComparison.Ordinal));
        lines.ShouldContain(l => l.StartsWith("small enough", StringComparison.Ordinal) && l.Contains("<= 10") && l.EndsWith("missed", StringComparison.Ordinal));
    }
}
