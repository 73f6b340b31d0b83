namespace RagCluster.Kernel.Cluster;

/// <summary>
/// How long this node may believe that it is a member. Only the store's clock judges the row; the node itself counts
/// from the moment before it sent its last successful renewal, and a tenth less, so that it stops first.
/// </summary>
internal sealed class Lease(TimeProvider time, TimeSpan length)
{
    private const double Share = 0.9;

    private long _deadline;
    private volatile string? _ended;

    public TimeSpan Length => length;

    public bool IsValid => _ended is null && time.GetTimestamp() < Volatile.Read(ref _deadline);

    /// <summary>Why it is over for good; null while it is not.</summary>
    public string? Ended => _ended;

    public TimeSpan Left
    {
        get
        {
            var left = TimeSpan.FromSeconds((Volatile.Read(ref _deadline) - time.GetTimestamp()) / (double)time.TimestampFrequency);
            return _ended is null && left > TimeSpan.Zero ? left : TimeSpan.Zero;
        }
    }

    public long Now => time.GetTimestamp();

    /// <param name="sentAt">What <see cref="Now"/> was before the request was sent.</param>
    public void Renewed(long sentAt)
    {
        var deadline = sentAt + (long)(length.TotalSeconds * Share * time.TimestampFrequency);
        if (deadline > Volatile.Read(ref _deadline))
        {
            Volatile.Write(ref _deadline, deadline);
        }
    }

    /// <summary>For good: a dead incarnation never comes back.</summary>
    public void End(string reason) => Interlocked.CompareExchange(ref _ended, reason, null);
}
