using System.Diagnostics;
using System.Globalization;
using RagCluster.CheckerKit;
using RagCluster.Simulation.Planted;
using RagCluster.Simulation.World;

namespace RagCluster.Simulation.Commands;

/// <summary>In a planted copy of the tree: switches one bug after the other on, and runs seeds until a checker says so.</summary>
internal static class PlantedCommand
{
    /// <summary>Arguments: --seeds N (at most so many for each bug), --bug NAME (that one only), --cores C.</summary>
    public static int Execute(string[] args)
    {
        if (Type.GetType("RagCluster.Kernel.Planted, RagCluster.Kernel") is not { } kernel || Type.GetType("RagCluster.Messages.Planted, RagCluster.Messages") is not { } messages)
        {
            Console.Error.WriteLine("This build has no planted bugs: use ./sim.sh --planted.");
            return 2;
        }

        var switches = new[] { kernel, messages }.Select(type => type.GetMethod("SwitchOn")!.CreateDelegate<Action<string?>>()).ToArray();
        var most = int.Parse(Text(args, "--seeds") ?? "2000", CultureInfo.InvariantCulture);
        var cores = int.Parse(Text(args, "--cores") ?? "2", CultureInfo.InvariantCulture);
        var only = Text(args, "--bug");
        var bugs = AllBugs.List.Where(bug => only is null || bug.Name == only).ToList();
        Console.WriteLine("| bug | what it does | caught by | after seeds | simulated | real |");
        Console.WriteLine("|---|---|---|---:|---:|---:|");
        var missed = bugs.Count(bug => !IsCaught(bug, most, cores, switches));
        Console.WriteLine();
        Console.WriteLine($"{bugs.Count - missed} of {bugs.Count} planted bugs were caught.");
        return missed == 0 ? 0 : 1;
    }

    private static bool IsCaught(PlantedBug bug, int most, int cores, Action<string?>[] switches)
    {
        var started = Stopwatch.GetTimestamp();
        var gate = new Lock();
        Result? caught = null;
        var (next, seeds, simulated) = (0, 0, TimeSpan.Zero);
        var threads = Enumerable.Range(0, cores).Select(_ => new Thread(
            () =>
            {
                Array.ForEach(switches, on => on(bug.Name));
                while (Volatile.Read(ref caught) is null && Interlocked.Increment(ref next) is var seed && seed <= most)
                {
                    var result = Trial.Execute(seed);
                    lock (gate)
                    {
                        seeds++;
                        simulated += result.Simulated;
                        if (result.Violations.Count > 0)
                        {
                            caught ??= result;
                        }
                    }
                }
            },
            16 << 20)).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        var rules = caught is null ? "**nothing**" : string.Join(", ", caught.Violations.Select(violation => violation.Rule).Distinct());
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {bug.Name} | {bug.What} | {rules} | {seeds} | {simulated.TotalMinutes:0} min | {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s |"));
        return caught is not null;
    }

    private static string? Text(string[] args, string name)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? args[at + 1] : null;
    }
}
