using System.Threading.Tasks.Sources;

namespace RagCluster.Kernel.Mailboxes;

/// <summary>The senders who wait for room in one mailbox, first come first served. Its own lock guards it.</summary>
internal sealed class WaitingSenders<T>
{
    private WaitingSender<T>? _last;

    internal WaitingSender<T>? First { get; private set; }

    internal WaitingSender<T> Add(T item, IRuntime runtime)
    {
        var sender = new WaitingSender<T>(this, item, runtime) { Previous = _last, IsQueued = true };
        if (_last is null)
        {
            First = sender;
        }
        else
        {
            _last.Next = sender;
        }

        _last = sender;
        return sender;
    }

    internal void Remove(WaitingSender<T> sender)
    {
        if (sender.Previous is null)
        {
            First = sender.Next;
        }
        else
        {
            sender.Previous.Next = sender.Next;
        }

        if (sender.Next is null)
        {
            _last = sender.Previous;
        }
        else
        {
            sender.Next.Previous = sender.Previous;
        }

        (sender.Previous, sender.Next, sender.IsQueued) = (null, null, false);
    }

    internal void RejectAll()
    {
        lock (this)
        {
            while (First is { } sender)
            {
                Remove(sender);
                sender.Finish(accepted: false);
            }
        }
    }
}

/// <summary>One sender who waits for room, and the message it brings.</summary>
/// <remarks>
/// The sender goes on in a turn of its own: the one who makes room holds the lock and is in the middle of an actor's
/// turn. That turn is the runtime's and not the thread pool's, so that a simulator sees it.
/// </remarks>
internal sealed class WaitingSender<T>(WaitingSenders<T> queue, T item, IRuntime runtime) : IValueTaskSource<bool>, IThreadPoolWorkItem
{
    private ManualResetValueTaskSourceCore<bool> _outcome;
    private bool _accepted;
    private bool _cancelled;
    private CancellationTokenRegistration _registration;
    private CancellationToken _cancellation;

    internal WaitingSender<T>? Previous;
    internal WaitingSender<T>? Next;
    internal bool IsQueued;

    internal T Item { get; } = item;

    internal ValueTask<bool> WaitAsync(CancellationToken cancellationToken)
    {
        if (cancellationToken.CanBeCanceled)
        {
            _cancellation = cancellationToken;
            _registration = cancellationToken.UnsafeRegister(static self => ((WaitingSender<T>)self!).Cancel(), this);
        }

        return new ValueTask<bool>(this, _outcome.Version);
    }

    internal void Finish(bool accepted)
    {
        // Not Dispose, which waits for a running callback, which waits for the lock that is held here.
        _registration.Unregister();
        _accepted = accepted;
        runtime.Schedule(this);
    }

    void IThreadPoolWorkItem.Execute()
    {
        if (_cancelled)
        {
            _outcome.SetException(new OperationCanceledException(_cancellation));
        }
        else
        {
            _outcome.SetResult(_accepted);
        }
    }

    private void Cancel()
    {
        lock (queue)
        {
            if (!IsQueued)
            {
                return;
            }

            // The Waiting flag may now stand for an empty list; the next release takes it down.
            queue.Remove(this);
        }

        _cancelled = true;
        runtime.Schedule(this);
    }

    bool IValueTaskSource<bool>.GetResult(short token) => _outcome.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<bool>.GetStatus(short token) => _outcome.GetStatus(token);

    void IValueTaskSource<bool>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _outcome.OnCompleted(continuation, state, token, flags);
}
