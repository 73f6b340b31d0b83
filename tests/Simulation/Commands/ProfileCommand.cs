using System.Diagnostics;
using System.Globalization;
using System.Runtime.ExceptionServices;
using RagCluster.Simulation.World;

namespace RagCluster.Simulation.Commands;

/// <summary>What seeds cost: processor time, memory and exceptions for each, once the program is warm.</summary>
internal static class ProfileCommand
{
    /// <summary>Arguments: --seeds N (measured), --warm W (run before that), --seed S (the first measured), --sites (where exceptions are thrown).</summary>
    public static int Execute(string[] args)
    {
        var seeds = (int)RunCommand.Number(args, "--seeds", 100);
        var warm = (int)RunCommand.Number(args, "--warm", 100);
        var first = (int)RunCommand.Number(args, "--seed", 1);
        var thread = new Thread(() => Measure(first, seeds, warm, args.Contains("--sites")), 16 << 20);
        thread.Start();
        thread.Join();
        return 0;
    }

    private static void Measure(int first, int seeds, int warm, bool sites)
    {
        for (var seed = first + seeds; seed < first + seeds + warm; seed++)
        {
            Trial.Execute(seed);
        }

        var thrown = new Dictionary<string, int>(StringComparer.Ordinal);
        void Count(object? sender, FirstChanceExceptionEventArgs e)
        {
            var site = e.Exception.GetType().Name;
            if (sites)
            {
                var frames = new StackTrace(1, false).GetFrames().Select(frame => frame.GetMethod()).Where(method => method?.DeclaringType?.FullName?.StartsWith("RagCluster", StringComparison.Ordinal) == true && method.DeclaringType != typeof(ProfileCommand));
                site += " in " + string.Join(" < ", frames.Take(2).Select(method => $"{method!.DeclaringType!.FullName}.{method.Name}"));
            }

            thrown[site] = thrown.GetValueOrDefault(site) + 1;
        }

        AppDomain.CurrentDomain.FirstChanceException += Count;
        using var process = Process.GetCurrentProcess();
        var (cpu, bytes, collections) = (process.TotalProcessorTime, GC.GetAllocatedBytesForCurrentThread(), GC.CollectionCount(0));
        var (steps, events, statements, messages, simulated) = (0L, 0L, 0L, 0L, TimeSpan.Zero);
        var slowest = new List<(double Seconds, int Seed)>();
        for (var seed = first; seed < first + seeds; seed++)
        {
            process.Refresh();
            var before = process.TotalProcessorTime;
            var result = Trial.Execute(seed);
            steps += result.Steps;
            events += result.Events;
            statements += result.Statements;
            messages += result.Messages;
            simulated += result.Simulated;
            process.Refresh();
            slowest.Add(((process.TotalProcessorTime - before).TotalMilliseconds, seed));
        }

        AppDomain.CurrentDomain.FirstChanceException -= Count;
        process.Refresh();
        cpu = process.TotalProcessorTime - cpu;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"""
            {seeds} seeds, {simulated.TotalHours:0.00} h simulated, {simulated.TotalSeconds / seeds:0.0} s each; {cpu.TotalMilliseconds / seeds:0} ms of processor time each, {simulated / cpu:0} simulated hours per core-hour
            Each: {steps / seeds} steps ({cpu.TotalMicroseconds / steps:0.0} us each), {events / seeds} events, {statements / seeds} statements, {messages / seeds} messages, {(GC.GetAllocatedBytesForCurrentThread() - bytes) / seeds / 1024.0 / 1024:0.0} MiB allocated, {(GC.CollectionCount(0) - collections) / (double)seeds:0.0} collections, {thrown.Values.Sum() / seeds} exceptions thrown
            Slowest: {string.Join(", ", slowest.OrderDescending().Take(8).Select(s => $"{s.Seed} {s.Seconds:0} ms"))}; median {slowest.Order().ElementAt(seeds / 2).Seconds:0} ms
            """));
        foreach (var (site, count) in thrown.OrderByDescending(pair => pair.Value).Take(sites ? 40 : 10))
        {
            Console.WriteLine($"{(double)count / seeds,8:0.0}  {site}");
        }
    }
}
