using System.Threading.Tasks.Sources;
using RagCluster.Kernel.Cells;
using RagCluster.Kernel.DeadLetters;
using RagCluster.Kernel.Mailboxes;

namespace RagCluster.Kernel.Asks;

/// <summary>One ask under way: the ref that the answer goes to, and what the asker awaits, in one object.</summary>
/// <remarks>Not pooled: whoever was asked may hold the ref for ever, and a late answer must not reach the next asker.</remarks>
internal sealed class PendingAsk<TReply>(ActorSystem system, IActorRef target, TimeSpan timeout)
    : Deadline, ILocalActorRef, IActorRef<TReply>, IValueTaskSource<TReply>, IThreadPoolWorkItem
{
    private ManualResetValueTaskSourceCore<TReply> _outcome;
    private TReply? _reply;
    private Exception? _failure;
    private CancellationTokenRegistration _registration;
    private CancellationTokenSource? _waitForRoom;
    private DeadlineList? _deadlines;
    private int _done;

    public ActorSystem System => system;

    public ActorPath Path => target.Path.Child("ask");

    public bool TryTell(TReply message)
    {
        if (!TryFinish())
        {
            system.DeadLetters.Add(Path, message, DeadLetterReason.LateReply);
            return false;
        }

        _reply = message;
        system.Runtime.Schedule(this);
        return true;
    }

    public ValueTask TellAsync(TReply message, CancellationToken cancellationToken = default)
    {
        TryTell(message);
        return ValueTask.CompletedTask;
    }

    internal ValueTask<TReply> Send<TMessage>(IMailboxRef<TMessage> mailbox, TMessage message, CancellationToken cancellationToken)
    {
        _deadlines = system.Deadlines.Mine;
        _deadlines.Add(this, timeout);
        if (cancellationToken.CanBeCanceled)
        {
            _registration = cancellationToken.UnsafeRegister(
                static (self, token) => ((PendingAsk<TReply>)self!).Fail(new OperationCanceledException(token)), this);
        }

        // Cancelled before it was sent: then it is not sent.
        switch (Volatile.Read(ref _done) == 0 ? mailbox.Post(message) : PostResult.Queued)
        {
            case PostResult.Closed:
                system.DeadLetters.Add(target.Path, message, DeadLetterReason.Stopped);
                Fail(new ActorStoppedException(target.Path));
                break;
            case PostResult.Full:
                _ = SendWhenThereIsRoomAsync(mailbox, message);
                break;
        }

        return new ValueTask<TReply>(this, _outcome.Version);
    }

    internal override void Expire() =>
        Fail(new TimeoutException($"{target.Path} did not answer a request within {timeout}. It may or may not have taken effect."));

    private async Task SendWhenThereIsRoomAsync<TMessage>(IMailboxRef<TMessage> mailbox, TMessage message)
    {
        using var waitForRoom = new CancellationTokenSource();
        Volatile.Write(ref _waitForRoom, waitForRoom);
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _done) != 0)
        {
            return;
        }

        try
        {
            if (!await mailbox.PostAsync(message, waitForRoom.Token))
            {
                Fail(new ActorStoppedException(target.Path));
            }
        }
        catch (OperationCanceledException) when (Volatile.Read(ref _done) != 0)
        {
            // The ask is over, and whoever ended it has told the asker why.
        }
        finally
        {
            Volatile.Write(ref _waitForRoom, null);
        }
    }

    private void Fail(Exception exception)
    {
        if (TryFinish())
        {
            _failure = exception;
            system.Runtime.Schedule(this);
        }
    }

    /// <remarks>The asker goes on in a turn of its own, given by the runtime so that a simulator sees it.</remarks>
    void IThreadPoolWorkItem.Execute()
    {
        if (_failure is not null)
        {
            _outcome.SetException(_failure);
        }
        else
        {
            _outcome.SetResult(_reply!);
        }
    }

    private bool TryFinish()
    {
        if (Interlocked.Exchange(ref _done, 1) != 0)
        {
            return false;
        }

        _deadlines!.Remove(this);
        _registration.Unregister();
        if (Volatile.Read(ref _waitForRoom) is { } waitForRoom)
        {
            CancelQuietly(waitForRoom);
        }

        return true;
    }

    private static void CancelQuietly(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The message got its room at this very moment; there is nothing left to withdraw.
        }
    }

    TReply IValueTaskSource<TReply>.GetResult(short token) => _outcome.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<TReply>.GetStatus(short token) => _outcome.GetStatus(token);

    void IValueTaskSource<TReply>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _outcome.OnCompleted(continuation, state, token, flags);
}
