using System.Diagnostics;
using RagCluster.Kernel;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>How large the kernel benchmark is.</summary>
internal sealed record KernelBenchmarkOptions
{
    /// <summary>Messages in one round of tells; a tenth of them in one of asks.</summary>
    public int Messages { get; init; } = 10_000_000;

    /// <summary>Actors that are spawned and left idle.</summary>
    public int Actors { get; init; } = 100_000;

    public int Rounds { get; init; } = 5;
}

/// <summary>
/// What actors cost in themselves: one sender and one receiver, so that each figure is that of one mailbox.
/// </summary>
internal static class KernelBenchmark
{
    private const int SmallMailbox = 128;
    private const int LargeMailbox = 1 << 16;

    private static readonly Quantity Tell = Quantity.AtLeast(10e6, "tell", "messages/s", "tell, one sender to one actor");
    private static readonly Quantity Backpressure = new("tellBackpressure", "messages/s", $"tell into a mailbox of {SmallMailbox}, the sender waiting");
    private static readonly Quantity Senders = new("tellSenders", "messages/s", "tell, a sender per core to one actor");
    private static readonly Quantity Ask = Quantity.AtLeast(0.9e6, "ask", "asks/s", "ask, one after another");
    private static readonly Quantity Spawn = new("spawn", "actors/s", "spawn, until started");
    private static readonly Quantity Idle = Quantity.AtMost(300, "idleBytes", "bytes", "memory of an idle actor, its name included");

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    public static async Task RunAsync(KernelBenchmarkOptions options, Recorder recorder, CancellationToken cancellationToken)
    {
        recorder.Setting("messages", $"{options.Messages}");
        recorder.Setting("actors", $"{options.Actors}");
        recorder.Setting("mailbox", $"{LargeMailbox}");

        // The first round lets the runtime compile the hot paths; it does not count.
        for (var round = 0; round <= options.Rounds; round++)
        {
            recorder.Say(round == 0 ? "warming up" : $"round {round} of {options.Rounds}");
            var target = round == 0 ? new Recorder(TextWriter.Null) : recorder;
            target.Add(Tell, await TellAsync(options.Messages, LargeMailbox, 1, cancellationToken));
            target.Add(Backpressure, await TellAsync(options.Messages / 4, SmallMailbox, 1, cancellationToken));
            target.Add(Senders, await TellAsync(options.Messages / 2, LargeMailbox, Environment.ProcessorCount, cancellationToken));
            target.Add(Ask, await AskAsync(Math.Max(1, options.Messages / 10), cancellationToken));
            var (spawn, bytes) = await SpawnAsync(options.Actors, cancellationToken);
            target.Add(Spawn, spawn);
            target.Add(Idle, bytes);
        }
    }

    private static async Task<double> TellAsync(int messages, int capacity, int senders, CancellationToken cancellationToken)
    {
        var system = new ActorSystem("bench", SystemRuntime.Instance);
        var each = Math.Max(1, messages / senders);
        var received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var actor = system.Spawn("counter", () => new Counter(each * senders, received), new SpawnOptions { MailboxCapacity = capacity });
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, senders).Select(_ => Task.Run(
            async () =>
            {
                for (var i = 0; i < each; i++)
                {
                    if (!actor.TryTell(Tick.Instance))
                    {
                        await actor.TellAsync(Tick.Instance, cancellationToken);
                    }
                }
            },
            cancellationToken)));
        await received.Task.WaitAsync(cancellationToken);
        watch.Stop();
        await system.TerminateAsync(Patience);
        return each * senders / watch.Elapsed.TotalSeconds;
    }

    private static async Task<double> AskAsync(int asks, CancellationToken cancellationToken)
    {
        var system = new ActorSystem("bench", SystemRuntime.Instance);
        var actor = system.Spawn("echo", () => new Echo());
        var elapsed = await Task.Run(
            async () =>
            {
                var watch = Stopwatch.StartNew();
                for (var i = 0; i < asks; i++)
                {
                    await actor.AskAsync<Question, Tick>(static reply => new Question(reply), Patience, cancellationToken);
                }

                return watch.Elapsed;
            },
            cancellationToken);
        await system.TerminateAsync(Patience);
        return asks / elapsed.TotalSeconds;
    }

    private static async Task<(double PerSecond, double Bytes)> SpawnAsync(int actors, CancellationToken cancellationToken)
    {
        var system = new ActorSystem("bench", SystemRuntime.Instance);
        var started = new Countdown(actors);
        Func<Actor<Tick>> create = () => new Idler(started);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var watch = Stopwatch.StartNew();
        for (var i = 0; i < actors; i++)
        {
            system.Spawn(i.ToString(System.Globalization.CultureInfo.InvariantCulture), create);
        }

        await started.Done.WaitAsync(cancellationToken);
        watch.Stop();
        var bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive(create);
        await system.TerminateAsync(Patience);
        return (actors / watch.Elapsed.TotalSeconds, (double)bytes / actors);
    }

    private sealed class Tick
    {
        public static readonly Tick Instance = new();
    }

    private sealed record Question(IActorRef<Tick> Reply);

    private sealed class Counter(int expected, TaskCompletionSource received) : Actor<Tick>
    {
        private int _left = expected;

        protected override ValueTask ReceiveAsync(Tick message, CancellationToken cancellationToken)
        {
            if (--_left == 0)
            {
                received.SetResult();
            }

            return ValueTask.CompletedTask;
        }
    }

    private sealed class Echo : Actor<Question>
    {
        protected override ValueTask ReceiveAsync(Question message, CancellationToken cancellationToken)
        {
            message.Reply.TryTell(Tick.Instance);
            return ValueTask.CompletedTask;
        }
    }

    private sealed class Idler(Countdown started) : Actor<Tick>
    {
        protected override ValueTask StartedAsync(CancellationToken cancellationToken)
        {
            started.Count();
            return ValueTask.CompletedTask;
        }

        protected override ValueTask ReceiveAsync(Tick message, CancellationToken cancellationToken) => ValueTask.CompletedTask;
    }

    private sealed class Countdown(int count)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _left = count;

        public Task Done => _done.Task;

        public void Count()
        {
            if (Interlocked.Decrement(ref _left) == 0)
            {
                _done.SetResult();
            }
        }
    }
}
