namespace RagCluster.Kernel.Cluster;

/// <summary>
/// Wakes whoever waits for a change. A change between looking and waiting is not missed: the waiter says which version it
/// has looked at. Nobody who stops waiting leaves anything behind.
/// </summary>
internal sealed class Pulse(TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<TaskCompletionSource<bool>> _waiting = [];
    private long _version;

    public long Version => Volatile.Read(ref _version);

    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    public void Beat()
    {
        TaskCompletionSource<bool>[] woken;
        lock (_gate)
        {
            _version++;
            woken = [.. _waiting];
            _waiting.Clear();
        }

        foreach (var waiter in woken)
        {
            waiter.TrySetResult(true);
        }
    }

    /// <summary>False if <paramref name="atMost"/> is over without a change since <paramref name="seen"/>.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first.</exception>
    public async Task<bool> WaitAsync(long seen, TimeSpan atMost, CancellationToken cancellationToken)
    {
        LinkedListNode<TaskCompletionSource<bool>> place;
        lock (_gate)
        {
            if (_version != seen)
            {
                return true;
            }

            place = _waiting.AddLast(new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously));
        }

        try
        {
            await using var timer = time.CreateTimer(static state => ((TaskCompletionSource<bool>)state!).TrySetResult(false), place.Value, atMost, Timeout.InfiniteTimeSpan);
            await using var registration = cancellationToken.UnsafeRegister(
                static (state, token) => ((TaskCompletionSource<bool>)state!).TrySetCanceled(token), place.Value);
            return await place.Value.Task;
        }
        finally
        {
            lock (_gate)
            {
                if (place.List is not null)
                {
                    _waiting.Remove(place);
                }
            }
        }
    }
}
