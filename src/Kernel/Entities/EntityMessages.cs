using System.Threading.Channels;
using RagCluster.Kernel.DeadLetters;

namespace RagCluster.Kernel.Entities;

/// <summary>What an entity's mailbox takes.</summary>
internal abstract class EntityMessage;

/// <summary>A command and whoever waits for its reply.</summary>
internal sealed class EntityRequest<TCommand, TReply>(TCommand command, string? commandId) : EntityMessage, IUndeliverable
{
    private const int Waiting = 0;
    private const int Started = 1;
    private const int Abandoned = 2;

    private readonly TaskCompletionSource<Committed<TReply>> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _state = Waiting;

    public TCommand Command => command;

    public string? CommandId => commandId;

    /// <exception cref="OperationCanceledException">The token was cancelled first; a reply that comes later goes nowhere.</exception>
    public async ValueTask<Committed<TReply>> ReplyAsync(CancellationToken cancellationToken)
    {
        await using var registration = cancellationToken.UnsafeRegister(
            static (state, token) => ((TaskCompletionSource<Committed<TReply>>)state!).TrySetCanceled(token), _done);
        return await _done.Task;
    }

    /// <summary>The entity takes it up. False if its sender has given up before: then it must take no effect.</summary>
    public bool TryStart() => Interlocked.CompareExchange(ref _state, Started, Waiting) == Waiting;

    /// <summary>The sender gives up. True means that the command certainly takes no effect.</summary>
    public bool TryAbandon() => Interlocked.CompareExchange(ref _state, Abandoned, Waiting) == Waiting;

    public void Reply(TReply reply, long seq) => _done.TrySetResult(new Committed<TReply>(reply, seq));

    public void Fail(Exception reason)
    {
        if (_done.TrySetException(reason))
        {
            // A sender that has given up does not look.
            _ = _done.Task.Exception;
        }
    }

    void IUndeliverable.Undelivered()
    {
        if (TryAbandon())
        {
            Fail(new EntityUnavailableException("The entity left memory before it had taken the command up, which took no effect."));
        }
    }
}

/// <summary>The append of the batch under way has ended.</summary>
internal sealed class AppendEnded(object batch) : EntityMessage
{
    public object Batch => batch;
}

/// <summary>Work beside the entity's turns has ended, and goes on in this one.</summary>
internal sealed class WorkEnded(object instance, Action then) : EntityMessage
{
    /// <summary>Who started it: the next instance goes on with the mailbox, and knows nothing of this one's work.</summary>
    public object Instance => instance;

    public Action Then => then;
}

/// <summary>Work beside the entity's turns has failed.</summary>
internal sealed class WorkFailed(string work, Exception reason) : EntityMessage
{
    public string Work => work;

    public Exception Reason => reason;
}

internal sealed class SnapshotEnded(long seq, bool saved, Exception? reason) : EntityMessage
{
    public long Seq => seq;

    public bool Saved => saved;

    public Exception? Reason => reason;
}

/// <summary>Nothing has come for a while.</summary>
internal sealed class Idle : EntityMessage
{
    public static Idle Instance { get; } = new();
}

/// <summary>Somebody wants the events after a sequence number, and those to come.</summary>
internal sealed class Attach<TEvent>(long after, int buffer) : EntityMessage, IUndeliverable
{
    private readonly TaskCompletionSource<Attached<TEvent>> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long After => after;

    public Task<Attached<TEvent>> Task => _done.Task;

    /// <summary>Completed when the subscriber has become too slow, or when the entity leaves memory.</summary>
    public Channel<Recorded<TEvent>> Live { get; } = Channel.CreateBounded<Recorded<TEvent>>(
        new BoundedChannelOptions(buffer) { SingleReader = true, SingleWriter = false, FullMode = BoundedChannelFullMode.Wait });

    public void Answer(Attached<TEvent> attached) => _done.TrySetResult(attached);

    void IUndeliverable.Undelivered() => Fail(new EntityUnavailableException("The entity left memory before it had taken the subscriber on."));

    public void Fail(Exception reason)
    {
        if (_done.TrySetException(reason))
        {
            _ = _done.Task.Exception;
        }
    }
}

/// <summary>A subscriber has gone: the entity need not keep anything for it.</summary>
internal sealed class Detach<TEvent>(Attach<TEvent> attach) : EntityMessage
{
    public Attach<TEvent> Attach => attach;
}

/// <param name="Seq">The live events begin after this one.</param>
/// <param name="Recent">The events from <see cref="Attach{TEvent}.After"/> to <paramref name="Seq"/>; null if the journal must be read for them.</param>
internal sealed record Attached<TEvent>(long Seq, IReadOnlyList<Recorded<TEvent>>? Recent);
