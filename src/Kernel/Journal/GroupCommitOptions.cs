namespace RagCluster.Kernel.Journal;

/// <summary>How appends are gathered. Throughput comes from batches, never from acknowledging early.</summary>
public sealed record GroupCommitOptions
{
    /// <summary>How many events one shard puts into one batch.</summary>
    public int MaxEventsPerShard { get; init; } = 2000;

    /// <summary>How many bytes one shard puts into one batch; a single larger append goes alone.</summary>
    public int MaxBytesPerShard { get; init; } = 4 << 20;

    /// <summary>How many entities of one shard wait with an append before further ones wait for admission.</summary>
    public int QueuePerShard { get; init; } = 4096;

    /// <summary>How many shards one statement serves.</summary>
    public int MaxShardsPerCommit { get; init; } = 256;

    /// <summary>How many bytes one statement carries; a single larger batch goes alone.</summary>
    public long MaxBytesPerCommit { get; init; } = 16 << 20;

    /// <summary>How many statements are under way at once. More than one helps only where the store writes several at a time.</summary>
    public int Lanes { get; init; } = 1;

    /// <summary>The first wait before a failed store is asked again; it doubles up to <see cref="MaxBackoff"/>.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(50);

    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(5);
}
