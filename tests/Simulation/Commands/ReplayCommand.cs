using System.Globalization;
using RagCluster.CheckerKit;
using RagCluster.Simulation.World;

namespace RagCluster.Simulation.Commands;

/// <summary>Runs one seed again and tells what happened: what broke, and the timeline around it.</summary>
internal static class ReplayCommand
{
    /// <summary>What to type to see a seed again.</summary>
    public static string LineFor(int seed) => string.Create(CultureInfo.InvariantCulture, $"./sim.sh --replay {seed}");

    public static int Execute(string[] args)
    {
        var seed = int.Parse(args[0], CultureInfo.InvariantCulture);
        var all = args.Contains("--all");
        var result = Trial.Execute(seed, timeline: true);
        var subjects = all ? [] : result.Violations.Select(violation => violation.Subject).Where(subject => subject.Length > 0).Distinct().ToList();
        if (result.Violations.Count > 0 || all)
        {
            foreach (var line in result.Timeline.About(all ? [] : subjects.Count > 0 ? subjects : ["?"]))
            {
                Console.WriteLine(line);
            }
        }

        Console.WriteLine();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"Seed {seed}: {result.Plan}"));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"Trace hash {result.TraceHash:x16}, {result.Steps} steps, {result.Simulated.TotalSeconds:0.0} s simulated, {result.Operations} operations ({result.Acknowledged} acknowledged), {result.Searches} searches, {result.Events} events, {result.Takeovers} takeovers, {result.Statements} statements, {result.Messages} messages between nodes."));
        foreach (var violation in result.Violations)
        {
            Console.WriteLine(violation);
        }

        Console.WriteLine(result.Violations.Count == 0 ? "No violation." : $"{result.Violations.Count} violations.");
        return result.Violations.Count == 0 ? 0 : 1;
    }
}
