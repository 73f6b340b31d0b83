namespace RagCluster.Inference.Batching;

/// <summary>
/// Gathers single requests into batches under a <see cref="BatchQueue{T}"/>'s rules and hands each its own result.
/// A queue that is full makes who submits wait. If a batch fails for a reason that may lie in one item, it is tried
/// again in halves, until the culprits alone fail. A batch that nobody waits for any more is cancelled.
/// </summary>
public sealed class Batcher<TIn, TOut> : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly BatchLimits _limits;
    private readonly Func<IReadOnlyList<TIn>, CancellationToken, Task<IReadOnlyList<TOut>>> _run;
    private readonly Func<TIn, int> _tokens;
    private readonly TimeProvider _time;
    private readonly Func<Exception, bool> _mayBeOneItem;
    private readonly BatchQueue<Item> _queue;
    private readonly Queue<(Item Item, TaskCompletionSource Admitted)>[] _waiting = [new(), new()];
    private readonly HashSet<Task> _inFlight = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly ITimer _timer;
    private bool _stopped;

    /// <param name="run">Gives one result for each item, in order.</param>
    /// <param name="tokens">How large an item is.</param>
    /// <param name="mayBeOneItem">Whether a failure may be due to one item of the batch; if not given, what is not transient may.</param>
    public Batcher(
        BatchLimits limits,
        Func<IReadOnlyList<TIn>, CancellationToken, Task<IReadOnlyList<TOut>>> run,
        Func<TIn, int> tokens,
        TimeProvider time,
        Func<Exception, bool>? mayBeOneItem = null)
    {
        if (limits.Problems() is { Count: > 0 } problems)
        {
            throw new ArgumentException(string.Join(' ', problems), nameof(limits));
        }

        _limits = limits;
        _run = run;
        _tokens = tokens;
        _time = time;
        _mayBeOneItem = mayBeOneItem ?? (e => e is InferenceException { IsTransient: false } inference && inference.Code is not (InferenceErrorCode.Unauthorized or InferenceErrorCode.ModelMissing));
        _queue = new BatchQueue<Item>(limits);
        _timer = time.CreateTimer(_ => Pump(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Items that wait for a batch, those that wait for room included.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _queue.Count + _waiting[0].Count + _waiting[1].Count;
            }
        }
    }

    /// <summary>Submits an item and waits for its result.</summary>
    public async Task<TOut> RunAsync(TIn value, BatchPriority priority, CancellationToken cancellation) =>
        await await SubmitAsync(value, priority, cancellation);

    /// <summary>Waits until there is room for the item; the inner task is its result.</summary>
    public async Task<Task<TOut>> SubmitAsync(TIn value, BatchPriority priority, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var item = new Item(value, priority);
        TaskCompletionSource? admitted = null;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_stopped, this);
            var line = _waiting[(int)priority];
            if (line.Count > 0 || !_queue.TryAdd(item, _tokens(value), priority, _time.GetUtcNow()))
            {
                admitted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                line.Enqueue((item, admitted));
            }
        }

        item.OnCancel(cancellation.UnsafeRegister(static (state, token) => ((Action<CancellationToken>)state!)(token), (Action<CancellationToken>)(token => Cancel(item, token))));
        Pump();
        if (admitted is not null)
        {
            await admitted.Task.WaitAsync(cancellation);
        }

        return item.Result.Task;
    }

    /// <summary>Cancels what waits and what is in flight, and waits for the latter to end.</summary>
    public async ValueTask DisposeAsync()
    {
        Task[] running;
        List<Item> left = [];
        lock (_gate)
        {
            if (_stopped)
            {
                return;
            }

            _stopped = true;
            running = [.. _inFlight];
            while (_queue.Cut(DateTimeOffset.MaxValue) is { Count: > 0 } batch)
            {
                left.AddRange(batch);
            }

            foreach (var line in _waiting)
            {
                while (line.TryDequeue(out var waiting))
                {
                    left.Add(waiting.Item);
                    waiting.Admitted.TrySetResult();
                }
            }
        }

        left.ForEach(item => item.Cancelled(_stop.Token));
        await _timer.DisposeAsync();
        await _stop.CancelAsync();
        await Task.WhenAll(running);
        _stop.Dispose();
    }

    /// <summary>Cuts and starts every batch that is ready and has a free slot, and sets the timer for the next.</summary>
    private void Pump()
    {
        lock (_gate)
        {
            while (!_stopped)
            {
                Admit();
                if (_inFlight.Count >= _limits.MaxInFlight)
                {
                    return;
                }

                var now = _time.GetUtcNow();
                var batch = _queue.Cut(now);
                if (batch.Count == 0)
                {
                    if (_queue.DueAt() is { } due)
                    {
                        _timer.Change(due - now, Timeout.InfiniteTimeSpan);
                    }

                    return;
                }

                Start(batch);
            }
        }
    }

    private void Admit()
    {
        foreach (var line in _waiting)
        {
            while (line.TryPeek(out var next))
            {
                if (!next.Item.Result.Task.IsCompleted && !_queue.TryAdd(next.Item, _tokens(next.Item.Value), next.Item.Priority, _time.GetUtcNow()))
                {
                    break;
                }

                line.Dequeue();
                next.Admitted.TrySetResult();
            }
        }
    }

    private void Start(IReadOnlyList<Item> batch)
    {
        // Starts outside of the lock's thread: what runs must not be able to come back into this method synchronously.
        var ended = new TaskCompletionSource();
        _inFlight.Add(ended.Task);
        _ = Task.Run(async () =>
        {
            try
            {
                await RunAsync(batch);
            }
            finally
            {
                lock (_gate)
                {
                    _inFlight.Remove(ended.Task);
                }

                ended.SetResult();
                Pump();
            }
        });
    }

    private async Task RunAsync(IReadOnlyList<Item> batch)
    {
        using var abandoned = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var left = batch.Count;
        foreach (var item in batch)
        {
            // Runs at once for an item that was cancelled since the batch was cut.
            item.OnAbandoned(() =>
            {
                if (Interlocked.Decrement(ref left) == 0)
                {
                    Abandon(abandoned);
                }
            });
        }

        try
        {
            var results = await _run([.. batch.Select(i => i.Value)], abandoned.Token);
            if (results.Count != batch.Count)
            {
                throw new InferenceException(InferenceErrorCode.BadResponse, $"A batch of {batch.Count} gave {results.Count} results.");
            }

            for (var i = 0; i < batch.Count; i++)
            {
                batch[i].Done(results[i]);
            }
        }
        catch (OperationCanceledException) when (abandoned.IsCancellationRequested)
        {
            foreach (var item in batch)
            {
                item.Cancelled(abandoned.Token);
            }
        }
        catch (Exception e) when (batch.Count > 1 && _mayBeOneItem(e))
        {
            foreach (var item in batch)
            {
                item.OnAbandoned(null);
            }

            var half = batch.Count / 2;
            await RunAsync([.. batch.Take(half)]);
            await RunAsync([.. batch.Skip(half)]);
        }
        catch (Exception e)
        {
            foreach (var item in batch)
            {
                item.Failed(e);
            }
        }
        finally
        {
            foreach (var item in batch)
            {
                item.OnAbandoned(null);
            }
        }
    }

    private static void Abandon(CancellationTokenSource batch)
    {
        try
        {
            batch.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The batch ended at the same moment: there is nothing left to cancel.
            return;
        }
    }

    private void Cancel(Item item, CancellationToken token)
    {
        lock (_gate)
        {
            _queue.Remove(item, item.Priority);
        }

        item.Cancelled(token);
        Pump();
    }

    private sealed class Item(TIn value, BatchPriority priority)
    {
        private readonly Lock _gate = new();
        private CancellationTokenRegistration _registration;
        private Action? _abandoned;

        public TIn Value { get; } = value;

        public BatchPriority Priority { get; } = priority;

        public TaskCompletionSource<TOut> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void OnCancel(CancellationTokenRegistration registration)
        {
            lock (_gate)
            {
                _registration = registration;
            }

            if (Result.Task.IsCompleted)
            {
                registration.Unregister();
            }
        }

        /// <summary>What to do when nobody waits for the result any more.</summary>
        public void OnAbandoned(Action? abandoned)
        {
            lock (_gate)
            {
                _abandoned = abandoned;
                if (abandoned is null || !Result.Task.IsCanceled)
                {
                    return;
                }
            }

            abandoned();
        }

        public void Done(TOut result)
        {
            Result.TrySetResult(result);
            Release();
        }

        public void Failed(Exception e)
        {
            Result.TrySetException(e);
            Release();
        }

        public void Cancelled(CancellationToken token)
        {
            Action? abandoned;
            lock (_gate)
            {
                if (!Result.TrySetCanceled(token))
                {
                    return;
                }

                abandoned = _abandoned;
            }

            abandoned?.Invoke();
            Release();
        }

        private void Release()
        {
            lock (_gate)
            {
                _registration.Unregister();
            }
        }
    }
}
