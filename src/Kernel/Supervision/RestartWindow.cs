namespace RagCluster.Kernel.Supervision;

/// <summary>Counts restarts within a sliding window; keeps no more times than the limit needs.</summary>
internal sealed class RestartWindow
{
    private const int MostKept = 64;
    private readonly Queue<long> _times = new();

    /// <returns>The how manieth restart this is within the window, or null if the limit is passed.</returns>
    internal int? Next(SupervisionStrategy strategy, TimeProvider time)
    {
        var now = time.GetTimestamp();
        while (_times.TryPeek(out var oldest) && time.GetElapsedTime(oldest, now) > strategy.Within)
        {
            _times.Dequeue();
        }

        if (_times.Count >= strategy.MaxRestarts)
        {
            return null;
        }

        // Without a limit the count only steers the backoff, which has reached its maximum long before.
        if (strategy.MaxRestarts is null && _times.Count == MostKept)
        {
            _times.Dequeue();
        }

        _times.Enqueue(now);
        return _times.Count;
    }
}
