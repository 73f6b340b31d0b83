using System.Diagnostics;
using System.Text.Json;
using RagCluster.Nodes.Benchmarks;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Nodes.Tests.Benchmarks;

/// <summary>Every benchmark runs from end to end, as a user calls it, at a size that says nothing about speed.</summary>
public sealed class BenchCommandTests : IDisposable
{
    private readonly string _data = Path.Combine(Path.GetTempPath(), $"ragcluster-bench-{Guid.NewGuid():N}");

    public void Dispose()
    {
        if (Directory.Exists(_data))
        {
            Directory.Delete(_data, recursive: true);
        }
    }

    [Theory]
    [InlineData("kernel", "--rounds 1 --messages 20000 --actors 500", "tell ask spawn idleBytes")]
    [InlineData("store", "--rounds 1 --entities 20 --events 200", "appended appendP99 events commitP99 replyP99 recoveryShard recoveryEntity")]
    [InlineData("ingest", "--rounds 1 --documents 20", "readyEmpty searchable peakMiB readyKilled readyStopped residentMiB")]
    [InlineData("chat", "--rounds 1 --documents 20 --clients 2 --seconds 1", "acceptedP99 firstDeltaP99 completedP99 questions failed")]
    public Task A_benchmark_prints_one_object_with_its_figures(string benchmark, string sizes, string expected) =>
        MeasureAsync(benchmark, sizes.Split(' '), expected);

    [Fact]
    public async Task The_store_is_measured_on_postgres_and_leaves_nothing_there()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        var server = await PostgresServer.SharedAsync();
        var database = await server.CreateDatabaseAsync();
        await MeasureAsync(
            "store",
            ["--store", "postgres", "--connection", server.ConnectionString(database), "--lanes", "2", "--rounds", "1", "--entities", "20", "--events", "200"],
            "appended appendP99 events commitP99 replyP99 recoveryShard recoveryEntity");
        (await server.ExecuteAsync("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'ragcluster%'", database)).ShouldBe(0L);
    }

    private async Task MeasureAsync(string benchmark, string[] sizes, string expected)
    {
        var (exitCode, output, error) = await RunAsync(["bench", benchmark, "--json", "--data", _data, .. sizes]);
        exitCode.ShouldBe(0, error);
        var result = JsonSerializer.Deserialize(output, BenchmarkJson.Default.BenchmarkResult)!;
        result.Benchmark.ShouldBe(benchmark);
        result.Machine.Cores.ShouldBe(Environment.ProcessorCount);
        result.Settings.ShouldNotBeEmpty();
        var figures = result.Figures.ToDictionary(f => f.Name);
        foreach (var name in expected.Split(' '))
        {
            figures.ShouldContainKey(name);
            figures[name].Median.ShouldBeGreaterThanOrEqualTo(0);
            figures[name].Rounds.ShouldBeGreaterThan(0);
        }

        figures.Values.ShouldContain(f => f.Target != null && f.Met != null);
        Directory.Exists(_data).ShouldBeFalse("the temporary folder goes");
    }

    [Fact]
    public async Task A_size_that_makes_no_sense_is_refused()
    {
        var (exitCode, _, error) = await RunAsync(["bench", "kernel", "--rounds", "0"]);
        exitCode.ShouldBe(2);
        error.ShouldContain("--rounds is a whole number of at least 1");
    }

    private static async Task<(int ExitCode, string Output, string Error)> RunAsync(string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "ragcluster.dll"), .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return (process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }
        }
    }
}
