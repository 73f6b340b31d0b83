using System.Diagnostics;
using System.Globalization;
using RagCluster.Simulation.World;

namespace RagCluster.Simulation.Tests;

public sealed class SeedTests
{
    /// <summary>The short run that belongs to every test run; the long ones are ./sim.sh's. A failure names the line that replays it.</summary>
    [Fact]
    public void A_hundred_seeds_break_no_promise()
    {
        var failures = new List<string>();
        var (faults, takeovers, acknowledged) = (new SortedDictionary<Fault, int>(), 0, 0);
        var gate = new Lock();
        var next = 0;
        var threads = Enumerable.Range(0, Math.Min(2, Environment.ProcessorCount)).Select(_ => new Thread(
            () =>
            {
                while (Interlocked.Increment(ref next) is var seed and <= 100)
                {
                    var result = Trial.Execute(seed);
                    lock (gate)
                    {
                        failures.AddRange(result.Violations.Take(1).Select(violation => $"{Commands.ReplayCommand.LineFor(seed)}: {violation}"));
                        takeovers += result.Takeovers;
                        acknowledged += result.Acknowledged;
                        foreach (var (kind, count) in result.Faults)
                        {
                            faults[kind] = faults.GetValueOrDefault(kind) + count;
                        }
                    }
                }
            },
            16 << 20)).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        failures.ShouldBeEmpty();

        // A run in which nothing happens proves nothing.
        faults.Count.ShouldBe(Enum.GetValues<Fault>().Length);
        takeovers.ShouldBeGreaterThan(1000);
        acknowledged.ShouldBeGreaterThan(1000);
    }

    [Fact]
    public void The_same_seed_runs_the_same_in_this_process_and_in_another()
    {
        foreach (var seed in new[] { 2, 3, 5 })
        {
            var first = Trial.Execute(seed);
            var told = Trial.Execute(seed, timeline: true);
            told.TraceHash.ShouldBe(first.TraceHash, "to look on changes nothing");
            told.Steps.ShouldBe(first.Steps);

            using var other = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["replay", seed.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardOutput = true })!;
            var output = other.StandardOutput.ReadToEnd();
            other.WaitForExit();
            output.ShouldContain($"Trace hash {first.TraceHash:x16}, {first.Steps} steps");
        }
    }

    [Fact]
    public void Another_seed_runs_otherwise() => Trial.Execute(2).TraceHash.ShouldNotBe(Trial.Execute(3).TraceHash);
}
