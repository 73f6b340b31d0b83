using System.Diagnostics;
using RagCluster.Kernel;

namespace RagCluster.Bench.Micro.Actors;

/// <summary>The kernel's figures in a few seconds, as medians: for a quick look, where BenchmarkDotNet takes minutes.</summary>
internal static class KernelFigures
{
    private const int Rounds = 7;

    internal static async Task PrintAsync()
    {
        await Print("tell, 1 sender", "M/s", () => TellAsync(senders: 1, perSender: 4_000_000, capacity: 1 << 23));
        await Print("tell, 2 senders", "M/s", () => TellAsync(senders: 2, perSender: 2_000_000, capacity: 1 << 23));
        await Print("bounded tell, 1 sender, capacity 1024", "M/s", () => TellAsync(senders: 1, perSender: 2_000_000, capacity: 1024));
        await Print("bounded tell, 4 senders, capacity 1024", "M/s", () => TellAsync(senders: 4, perSender: 500_000, capacity: 1024));
        await Print("sequential ask", "M/s", AskAsync);
        await Print("spawn to started", "M/s", SpawnAsync);
        await Print("idle actor, never told anything", "B", () => BytesAsync(told: 0));
        await Print("idle actor, told 10 messages", "B", () => BytesAsync(told: 10));
    }

    private static async Task Print(string name, string unit, Func<Task<double>> measure)
    {
        var values = new List<double>();
        for (var i = 0; i < Rounds; i++)
        {
            values.Add(await measure());

            // Leaves the stack of the round before, which would keep its actors alive.
            await Task.Yield();
        }

        values.Sort();
        Console.WriteLine($"{name,-42} median {values[Rounds / 2],8:F2} {unit,-4} best {(unit == "B" ? values[0] : values[^1]),8:F2}");
    }

    private static async Task<double> TellAsync(int senders, int perSender, int capacity)
    {
        var system = new ActorSystem("bench", SystemRuntime.Instance);
        var done = new TaskCompletionSource();
        var counter = system.Spawn("counter", () => new Counter(senders * perSender, done), new SpawnOptions { MailboxCapacity = capacity });
        var started = Stopwatch.GetTimestamp();
        var work = Enumerable.Range(0, senders).Select(_ => Task.Run(async () =>
        {
            for (var i = 0; i < perSender; i++)
            {
                await counter.TellAsync(Tick.Instance);
            }
        })).ToArray();
        await Task.WhenAll(work);
        await done.Task;
        var rate = senders * perSender / Stopwatch.GetElapsedTime(started).TotalSeconds / 1e6;
        await system.TerminateAsync(TimeSpan.FromSeconds(10));
        return rate;
    }

    private static Task<double> AskAsync() => Task.Run(async () =>
    {
        const int Asks = 300_000;
        var system = new ActorSystem("bench", SystemRuntime.Instance);
        var echo = system.Spawn("echo", () => new Echo());
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < Asks; i++)
        {
            await echo.AskAsync<Ping, int>(static reply => new Ping(1, reply), TimeSpan.FromSeconds(5));
        }

        var rate = Asks / Stopwatch.GetElapsedTime(started).TotalSeconds / 1e6;
        await system.TerminateAsync(TimeSpan.FromSeconds(10));
        return rate;
    });

    private static async Task<double> SpawnAsync()
    {
        const int Actors = 100_000;
        var system = new ActorSystem("bench", SystemRuntime.Instance);
        var done = new TaskCompletionSource();
        var counter = system.Spawn("counter", () => new Counter(Actors, done), new SpawnOptions { MailboxCapacity = Actors });
        var started = Stopwatch.GetTimestamp();
        for (var i = 0; i < Actors; i++)
        {
            system.Spawn("a" + i, () => new Greeter(counter));
        }

        await done.Task;
        var rate = Actors / Stopwatch.GetElapsedTime(started).TotalSeconds / 1e6;
        await system.TerminateAsync(TimeSpan.FromSeconds(30));
        return rate;
    }

    /// <summary>All that an actor costs: its cell, mailbox, instance, name and place in its parent.</summary>
    private static async Task<double> BytesAsync(int told)
    {
        const int Actors = 100_000;
        var system = new ActorSystem("bench", SystemRuntime.Instance);
        var refs = new IActorRef<Ping>[Actors];
        Func<Actor<Ping>> create = static () => new Echo();
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < Actors; i++)
        {
            refs[i] = system.Spawn("a" + i, create);
        }

        foreach (var actor in refs)
        {
            for (var i = 0; i < told; i++)
            {
                actor.TryTell(new Ping(1, null));
            }

            await actor.AskAsync<Ping, int>(static reply => new Ping(1, reply), TimeSpan.FromSeconds(30));
        }

        var bytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / (double)Actors;
        GC.KeepAlive(refs);

        // Not the actor's: the array of refs is the measurement's own.
        bytes -= IntPtr.Size;
        await system.TerminateAsync(TimeSpan.FromSeconds(30));
        return bytes;
    }

    private sealed record Tick
    {
        internal static readonly Tick Instance = new();
    }

    private sealed record Ping(int Value, IActorRef<int>? Reply);

    private sealed class Counter(int expected, TaskCompletionSource done) : Actor<Tick>
    {
        private int _count;

        protected override ValueTask ReceiveAsync(Tick message, CancellationToken cancellationToken)
        {
            if (++_count == expected)
            {
                done.SetResult();
            }

            return ValueTask.CompletedTask;
        }
    }

    private sealed class Echo : Actor<Ping>
    {
        protected override ValueTask ReceiveAsync(Ping message, CancellationToken cancellationToken)
        {
            message.Reply?.TryTell(message.Value);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Greeter(IActorRef<Tick> counter) : Actor<Tick>
    {
        protected override ValueTask StartedAsync(CancellationToken cancellationToken) => counter.TellAsync(Tick.Instance, cancellationToken);

        protected override ValueTask ReceiveAsync(Tick message, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }
}
