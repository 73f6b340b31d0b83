using RagCluster.Kernel.Cells;

namespace RagCluster.Kernel.Streams;

/// <summary>
/// Both ends of one stream and the window between them. Ends in one of four ways: the producer completes it or fails
/// it, the producing actor stops, the reader leaves.
/// </summary>
/// <remarks>
/// Invariant, under the lock: items in the buffer &lt;= window, and a write waits only while the buffer is full.
/// </remarks>
#pragma warning disable CA1001 // The token source has no timer and hands out no wait handle, so there is nothing to dispose.
internal sealed class ReplyStream<T>(ActorSystem system, IActorRef producer, StreamOptions options) : IStreamWriter<T>, IWatcher
#pragma warning restore CA1001
{
    private readonly Lock _lock = new();
    private readonly Queue<T> _items = new();
    private readonly LinkedList<WaitingWrite> _writes = new();
    private readonly CancellationTokenSource _readerGone = new();
    private CompletionTurn? _reader;
    private Exception? _failure;
    private bool _ended;

    public CancellationToken ReaderGone => _readerGone.Token;

    public bool TryWrite(T item)
    {
        CompletionTurn? reader;
        lock (_lock)
        {
            if (_ended || _items.Count >= options.Window)
            {
                return false;
            }

            _items.Enqueue(item);
            (reader, _reader) = (_reader, null);
        }

        Schedule(reader);
        return true;
    }

    public ValueTask<bool> WriteAsync(T item, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        CompletionTurn? reader;
        lock (_lock)
        {
            if (_ended)
            {
                return ValueTask.FromResult(false);
            }

            if (_items.Count >= options.Window)
            {
                var write = new WaitingWrite(item);
                return WaitAsync(write, _writes.AddLast(write), cancellationToken);
            }

            _items.Enqueue(item);
            (reader, _reader) = (_reader, null);
        }

        Schedule(reader);
        return ValueTask.FromResult(true);
    }

    public void Complete() => End(null);

    public void Fail(Exception failure) => End(new StreamFailedException($"{producer.Path} failed its stream: {failure.Message}", failure));

    void IWatcher.PostTerminated(ActorCell target, StopReason reason) => End(new ActorStoppedException(producer.Path));

    /// <summary>Sends the request once there is room for it.</summary>
    internal async ValueTask RequestAsync<TMessage>(IMailboxRef<TMessage> mailbox, TMessage request, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(options.IdleTimeout, system.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            if (!await mailbox.PostAsync(request, either.Token))
            {
                throw new ActorStoppedException(producer.Path);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"{producer.Path} had no room for a request within {options.IdleTimeout}.");
        }

        (producer as ActorCell)?.AddWatcher(this);
    }

    /// <summary>The next item; false at the end.</summary>
    internal async ValueTask<(bool Got, T Item)> NextAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            CompletionTurn wait;
            lock (_lock)
            {
                if (_items.TryDequeue(out var item))
                {
                    AdmitWrite();
                    return (true, item);
                }

                if (_ended)
                {
                    return _failure is null ? (false, default!) : throw _failure;
                }

                wait = _reader = new CompletionTurn();
            }

            try
            {
                await wait.Task.WaitAsync(options.IdleTimeout, system.Time, cancellationToken);
            }
            catch (TimeoutException)
            {
                throw new TimeoutException($"{producer.Path} wrote nothing to its stream for {options.IdleTimeout}.");
            }
        }
    }

    /// <summary>The reader leaves, whether the stream has ended or not.</summary>
    internal void Leave()
    {
        (producer as ActorCell)?.RemoveWatcher(this);
        if (End(null))
        {
            // Callbacks on the token are the producer's code: they get a turn of their own.
            system.Runtime.Schedule(new CancelTurn(system, producer, _readerGone));
        }
    }

    private bool End(Exception? failure)
    {
        CompletionTurn? reader;
        lock (_lock)
        {
            if (_ended)
            {
                return false;
            }

            (_ended, _failure) = (true, failure);
            (reader, _reader) = (_reader, null);
            foreach (var write in _writes)
            {
                system.Runtime.Schedule(write.Turn);
            }

            _writes.Clear();
        }

        Schedule(reader);
        return true;
    }

    private void AdmitWrite()
    {
        if (_writes.First is not { } first)
        {
            return;
        }

        _writes.RemoveFirst();
        first.Value.Written = true;
        _items.Enqueue(first.Value.Item);
        system.Runtime.Schedule(first.Value.Turn);
    }

    private async ValueTask<bool> WaitAsync(WaitingWrite write, LinkedListNode<WaitingWrite> node, CancellationToken cancellationToken)
    {
        try
        {
            await write.Turn.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            lock (_lock)
            {
                if (node.List is not null)
                {
                    _writes.Remove(node);
                    throw;
                }
            }
        }

        // Also after a cancellation that came too late: then the item is on its way.
        return write.Written;
    }

    private void Schedule(CompletionTurn? turn)
    {
        if (turn is not null)
        {
            system.Runtime.Schedule(turn);
        }
    }

    private sealed class WaitingWrite(T item)
    {
        internal T Item { get; } = item;

        internal CompletionTurn Turn { get; } = new();

        internal bool Written { get; set; }
    }
}
