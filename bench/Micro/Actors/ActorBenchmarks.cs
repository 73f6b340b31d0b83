using BenchmarkDotNet.Attributes;
using RagCluster.Kernel;

namespace RagCluster.Bench.Micro.Actors;

[MemoryDiagnoser]
public class ActorBenchmarks
{
    private const int Messages = 100_000;
    private const int Asks = 10_000;
    private ActorSystem _system = null!;
    private IActorRef<Message> _wide = null!;
    private IActorRef<Message> _narrow = null!;
    private int _spawned;

    public abstract record Message
    {
        public sealed record Tick : Message;

        public sealed record Ask(IActorRef<int> Reply) : Message;
    }

    [GlobalSetup]
    public void Setup()
    {
        _system = new ActorSystem("bench", SystemRuntime.Instance);
        _wide = _system.Spawn("wide", static () => new Echo(), new SpawnOptions { MailboxCapacity = 1 << 20 });
        _narrow = _system.Spawn("narrow", static () => new Echo(), new SpawnOptions { MailboxCapacity = 1024 });
    }

    [GlobalCleanup]
    public Task Cleanup() => _system.TerminateAsync(TimeSpan.FromMinutes(1));

    [Benchmark(OperationsPerInvoke = Messages)]
    public Task Tell() => TellAllAsync(_wide);

    [Benchmark(OperationsPerInvoke = Messages)]
    public Task Tell_bounded_1024() => TellAllAsync(_narrow);

    /// <summary>One after another, from a thread of the pool, as actors do.</summary>
    [Benchmark(OperationsPerInvoke = Asks)]
    public Task Ask() => Task.Run(async () =>
    {
        for (var i = 0; i < Asks; i++)
        {
            await _narrow.AskAsync<Message, int>(static reply => new Message.Ask(reply), TimeSpan.FromSeconds(5));
        }
    });

    [Benchmark]
    public Task Spawn_and_stop()
    {
        var actor = _system.Spawn("a" + _spawned++, static () => new Echo());
        return _system.StopAsync(actor);
    }

    /// <summary>Ends when the last message has been handled: the answer to an ask behind it says so.</summary>
    private static async Task TellAllAsync(IActorRef<Message> actor)
    {
        var tick = new Message.Tick();
        for (var i = 1; i < Messages; i++)
        {
            await actor.TellAsync(tick);
        }

        await actor.AskAsync<Message, int>(static reply => new Message.Ask(reply), TimeSpan.FromSeconds(30));
    }

    private sealed class Echo : Actor<Message>
    {
        private int _count;

        protected override ValueTask ReceiveAsync(Message message, CancellationToken cancellationToken)
        {
            _count++;
            if (message is Message.Ask ask)
            {
                ask.Reply.TryTell(_count);
            }

            return ValueTask.CompletedTask;
        }
    }
}
