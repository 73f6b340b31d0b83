using RagCluster.Kernel.Entities;

namespace RagCluster.Kernel.Projections;

/// <summary>How far a projection has come in one shard, and when it goes on. Woken by any thread, else used by the runner.</summary>
internal sealed class Follower(int shardId, Backoff backoff)
{
    private long _position = -1;
    private volatile bool _woken = true;
    private long _failedAt;
    private TimeSpan _wait;

    public int ShardId => shardId;

    /// <summary>-1 until the projection has said.</summary>
    public long Position => Volatile.Read(ref _position);

    public Exception? Failure { get; private set; }

    public void Wake() => _woken = true;

    public bool IsDue(TimeProvider time) => Failure is null ? _woken : UntilDue(time) <= TimeSpan.Zero;

    /// <summary>Null where nothing is to be retried.</summary>
    public TimeSpan? UntilDue(TimeProvider time)
    {
        if (Failure is null)
        {
            return null;
        }

        var left = _wait - time.GetElapsedTime(_failedAt);
        return left > TimeSpan.Zero ? left : TimeSpan.Zero;
    }

    /// <summary>A hint that comes from now on counts for the next time.</summary>
    public void Begin() => _woken = false;

    public void Advance(long position) => Volatile.Write(ref _position, position);

    public void Succeeded()
    {
        backoff.Reset();
        Failure = null;
    }

    public TimeSpan Failed(Exception reason, TimeProvider time)
    {
        Failure = reason;
        _failedAt = time.GetTimestamp();
        _wait = backoff.Next();
        return _wait;
    }
}
