using System.Globalization;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>Results as a table for people.</summary>
internal static class ResultTable
{
    public static void Write(TextWriter output, BenchmarkResult result)
    {
        var machine = result.Machine;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"bench {result.Benchmark}, {result.At:yyyy-MM-dd HH:mm} UTC"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{machine.Cores} cores of {machine.Processor}, {machine.MemoryMiB} MiB, {machine.System}, {machine.Runtime}"));
        output.WriteLine(string.Join(", ", result.Settings.Select(s => $"{s.Key} {s.Value}")));
        output.WriteLine();
        string[] header = ["what", "median", "lowest", "highest", "unit", "target", ""];
        string[][] rows = [header, .. result.Figures.Select(Row)];
        var widths = Enumerable.Range(0, header.Length).Select(i => rows.Max(r => r[i].Length)).ToArray();
        foreach (var row in rows)
        {
            output.WriteLine(string.Join("  ", row.Select((cell, i) => i is 1 or 2 or 3 ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i]))).TrimEnd());
        }
    }

    private static string[] Row(Figure figure) =>
    [
        figure.What,
        Number(figure.Median),
        Number(figure.Lowest),
        Number(figure.Highest),
        figure.Unit,
        figure.Target is { } target ? $"{(figure.Bound == "at least" ? ">=" : "<=")} {Number(target)}" : "",
        figure.Met switch { true => "met", false => "missed", null => "" },
    ];

    private static string Number(double value) => value.ToString(Math.Abs(value) >= 100 ? "#,0" : "0.###", CultureInfo.InvariantCulture);
}
