using System.Threading.Channels;
using RagCluster.Kernel;

namespace RagCluster.TestKit;

/// <summary>
/// An actor that keeps what it is told, for a test to look at. In the real world use the awaiting members; under a
/// <see cref="SimulatedRuntime"/> run the simulation and then <see cref="Take"/>.
/// </summary>
public sealed class TestProbe<T>
{
    private readonly Channel<T> _received = Channel.CreateUnbounded<T>();
    private readonly IActorRef<object> _watcher;
    private readonly Channel<(IActorRef Target, StopReason Reason)> _ended = Channel.CreateUnbounded<(IActorRef, StopReason)>();

    public TestProbe(ActorSystem system, string name = "probe")
    {
        Ref = system.Spawn(name, () => new Recorder(_received.Writer), new SpawnOptions { MailboxCapacity = 1 << 20 });
        _watcher = system.Spawn(name + "-watcher", () => new Watcher(_ended.Writer));
    }

    public IActorRef<T> Ref { get; }

    /// <summary>The end of the target arrives at <see cref="ExpectStoppedAsync"/> or <see cref="TakeStopped"/>.</summary>
    public void Watch(IActorRef target)
    {
        if (!_watcher.TryTell(target))
        {
            throw new InvalidOperationException("The probe's watcher has stopped.");
        }
    }

    /// <summary>The next message, which must have arrived already.</summary>
    public T Take() => _received.Reader.TryRead(out var message)
        ? message
        : throw new InvalidOperationException($"{Ref.Path} has received nothing (more).");

    /// <summary>All messages that have arrived and not been taken.</summary>
    public IReadOnlyList<T> TakeAll()
    {
        var all = new List<T>();
        while (_received.Reader.TryRead(out var message))
        {
            all.Add(message);
        }

        return all;
    }

    public void ExpectNone()
    {
        if (_received.Reader.TryRead(out var message))
        {
            throw new InvalidOperationException($"{Ref.Path} expected no message, but received {message}.");
        }
    }

    public (IActorRef Target, StopReason Reason) TakeStopped() => _ended.Reader.TryRead(out var ended)
        ? ended
        : throw new InvalidOperationException($"{Ref.Path}: none of the watched actors has stopped.");

    /// <exception cref="TimeoutException">No message within the time (default <see cref="Retry.Patience"/>).</exception>
    public async Task<T> ExpectAsync(TimeSpan? within = null)
    {
        try
        {
            return await _received.Reader.ReadAsync().AsTask().WaitAsync(within ?? Retry.Patience);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{Ref.Path} received nothing within {within ?? Retry.Patience}.", e);
        }
    }

    /// <summary>The next message that fits; those before it are dropped.</summary>
    public async Task<T> FishAsync(Func<T, bool> fits, TimeSpan? within = null)
    {
        while (true)
        {
            var message = await ExpectAsync(within);
            if (fits(message))
            {
                return message;
            }
        }
    }

    public async Task<StopReason> ExpectStoppedAsync(IActorRef target, TimeSpan? within = null)
    {
        while (true)
        {
            var (ended, reason) = await _ended.Reader.ReadAsync().AsTask().WaitAsync(within ?? Retry.Patience);
            if (ended == target)
            {
                return reason;
            }
        }
    }

    private sealed class Recorder(ChannelWriter<T> received) : Actor<T>
    {
        protected internal override ValueTask ReceiveAsync(T message, CancellationToken cancellationToken) => received.WriteAsync(message, cancellationToken);
    }

    private sealed class Watcher(ChannelWriter<(IActorRef, StopReason)> ended) : Actor<object>
    {
        protected internal override ValueTask ReceiveAsync(object message, CancellationToken cancellationToken)
        {
            if (message is IActorRef target)
            {
                Context.Watch(target, reason => (target, reason));
                return ValueTask.CompletedTask;
            }

            return ended.WriteAsync(((IActorRef, StopReason))message, cancellationToken);
        }
    }
}
