using System.Diagnostics;
using System.Globalization;
using RagCluster.Simulation.World;

namespace RagCluster.Simulation.Commands;

/// <summary>Runs many seeds on all cores.</summary>
internal static class RunCommand
{
    /// <summary>Arguments: --seeds N (how many), --hours H (of real time at most), --seed S (the first), --cores C.</summary>
    public static int Execute(string[] args)
    {
        var seeds = (int)Number(args, "--seeds", 1000);
        var hours = Number(args, "--hours", 24);
        var first = (int)Number(args, "--seed", 1);
        var cores = (int)Number(args, "--cores", Environment.ProcessorCount);
        var tally = new Tally();
        var (started, before) = (Stopwatch.GetTimestamp(), Processor());
        var next = first - 1;
        var stop = false;
        var threads = Enumerable.Range(0, cores).Select(_ => new Thread(
            () =>
            {
                while (!Volatile.Read(ref stop) && Stopwatch.GetElapsedTime(started).TotalHours < hours && Interlocked.Increment(ref next) is var seed && seed < first + seeds)
                {
                    tally.Add(Trial.Execute(seed));
                }
            },
            16 << 20)).ToList();
        threads.ForEach(thread => thread.Start());
        var told = TimeSpan.Zero;
        while (threads.Exists(thread => thread.IsAlive))
        {
            Thread.Sleep(100);
            var elapsed = Stopwatch.GetElapsedTime(started);
            if (elapsed - told > TimeSpan.FromSeconds(10))
            {
                told = elapsed;
                Console.WriteLine(tally.Progress(elapsed, Processor() - before));
            }
        }

        Console.WriteLine(tally.Summary(Stopwatch.GetElapsedTime(started), Processor() - before, cores));
        return tally.Failed == 0 ? 0 : 1;
    }

    /// <summary>What the whole program has used, its compiler and collector as well: what a core-hour is counted by, on whatever machine.</summary>
    private static TimeSpan Processor()
    {
        using var process = Process.GetCurrentProcess();
        return process.TotalProcessorTime;
    }

    internal static double Number(string[] args, string name, double otherwise)
    {
        var at = Array.IndexOf(args, name);
        return at >= 0 && at + 1 < args.Length ? double.Parse(args[at + 1], CultureInfo.InvariantCulture) : otherwise;
    }

    private sealed class Tally
    {
        private readonly Lock _gate = new();
        private readonly SortedDictionary<Fault, long> _faults = [];
        private readonly SortedDictionary<string, int> _rules = new(StringComparer.Ordinal);
        private TimeSpan _simulated;
        private TimeSpan _quiet;
        private long _quietSeeds;
        private long _seeds;
        private long _steps;
        private long _operations;
        private long _acknowledged;
        private long _searches;
        private long _events;
        private long _takeovers;

        public int Failed { get; private set; }

        public void Add(Result result)
        {
            lock (_gate)
            {
                _seeds++;
                _simulated += result.Simulated;
                _quiet += result.Plan.Quiet ? result.Simulated : TimeSpan.Zero;
                _quietSeeds += result.Plan.Quiet ? 1 : 0;
                _steps += result.Steps;
                _operations += result.Operations;
                _acknowledged += result.Acknowledged;
                _searches += result.Searches;
                _events += result.Events;
                _takeovers += result.Takeovers;
                foreach (var (kind, count) in result.Faults)
                {
                    _faults[kind] = _faults.GetValueOrDefault(kind) + count;
                }

                if (result.Violations.Count > 0)
                {
                    Failed++;
                    foreach (var rule in result.Violations.Select(violation => violation.Rule).Distinct())
                    {
                        _rules[rule] = _rules.GetValueOrDefault(rule) + 1;
                    }

                    if (Failed <= 20)
                    {
                        Console.WriteLine($"VIOLATION, seed {result.Plan.Seed}: {Short(result.Violations[0].ToString())}{(result.Violations.Count > 1 ? $" (and {result.Violations.Count - 1} more)" : "")}");
                        Console.WriteLine($"  see it with: {ReplayCommand.LineFor(result.Plan.Seed)}");
                    }
                }
            }
        }

        public string Progress(TimeSpan elapsed, TimeSpan processor)
        {
            lock (_gate)
            {
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"{elapsed:hh\\:mm\\:ss}  {_seeds} seeds ({_seeds / elapsed.TotalSeconds:0.0}/s), {_simulated.TotalHours:0.0} h simulated ({_simulated / processor:0} per core-hour), {Failed} with violations");
            }
        }

        public string Summary(TimeSpan elapsed, TimeSpan processor, int cores)
        {
            lock (_gate)
            {
                return string.Create(
                    CultureInfo.InvariantCulture,
                    $"""
                    Faults: {string.Join(", ", _faults.Select(fault => $"{fault.Key} {fault.Value}"))}
                    Work: {_operations} writes ({_acknowledged} acknowledged), {_searches} searches, {_events} events, {_takeovers} takeovers, {_steps} steps
                    {(_rules.Count == 0 ? "" : $"Broken: {string.Join(", ", _rules.Select(rule => $"{rule.Key} in {rule.Value} seeds"))}\n")}{_seeds} seeds, {_simulated.TotalHours:0.0} h simulated ({_quietSeeds} seeds and {_quiet.TotalHours:0.0} h of them quiet) in {elapsed.TotalSeconds:0} s on {cores} cores, {processor.TotalSeconds:0} s of processor time ({_seeds / processor.TotalSeconds:0.0} seeds/s, {_simulated / processor:0} simulated hours per core-hour), {Failed} with violations
                    """);
            }
        }

        private static string Short(string text) => text.Length > 400 ? text[..400] + "..." : text;
    }
}
