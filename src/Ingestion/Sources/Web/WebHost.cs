namespace RagCluster.Ingestion.Sources.Web;

/// <summary>One host's turn and pace: requests go to it one after the other, with a pause between their beginnings.</summary>
internal sealed class WebHost : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private long? _lastBegun;
    private int _users;

    public RobotsRules? Robots { get; private set; }

    public long RobotsAt { get; private set; }

    public TimeSpan RobotsFor { get; private set; }

    public long LastUsed => _lastBegun ?? 0;

    public bool IsIdle => Volatile.Read(ref _users) == 0;

    public void Remember(RobotsRules rules, long at, TimeSpan lifetime) => (Robots, RobotsAt, RobotsFor) = (rules, at, lifetime);

    public void Dispose() => _turn.Dispose();

    /// <param name="timeout">Of the request itself: waiting for the turn does not count.</param>
    public async Task<T> InTurnAsync<T>(TimeSpan interval, Func<CancellationToken, Task<T>> request, TimeSpan timeout, TimeProvider time, CancellationToken cancellation)
    {
        Interlocked.Increment(ref _users);
        try
        {
            await _turn.WaitAsync(cancellation);
            try
            {
                if (_lastBegun is { } last && interval - time.GetElapsedTime(last) is { Ticks: > 0 } pause)
                {
                    await Task.Delay(pause, time, cancellation);
                }

                _lastBegun = time.GetTimestamp();
                using var limit = new CancellationTokenSource(timeout, time);
                using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
                return await request(either.Token);
            }
            finally
            {
                _turn.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _users);
        }
    }
}
