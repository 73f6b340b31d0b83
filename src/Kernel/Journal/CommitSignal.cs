namespace RagCluster.Kernel.Journal;

/// <summary>
/// Tells readers of the logs, such as projections, that there is something new. A hint: the log is the truth, and
/// who misses a hint finds out by asking.
/// </summary>
public sealed class CommitSignal
{
    private readonly Lock _gate = new();
    private Action<int>[] _listeners = [];

    /// <summary>Calls <paramref name="committed"/> with the shard's id after each commit, until disposed. It must be quick and not throw.</summary>
    public IDisposable Subscribe(Action<int> committed)
    {
        lock (_gate)
        {
            _listeners = [.. _listeners, committed];
        }

        return new Subscription(this, committed);
    }

    public void Committed(int shardId)
    {
        foreach (var listener in Volatile.Read(ref _listeners))
        {
            listener(shardId);
        }
    }

    private sealed class Subscription(CommitSignal signal, Action<int> committed) : IDisposable
    {
        public void Dispose()
        {
            lock (signal._gate)
            {
                signal._listeners = [.. signal._listeners.Where(listener => listener != committed)];
            }
        }
    }
}
