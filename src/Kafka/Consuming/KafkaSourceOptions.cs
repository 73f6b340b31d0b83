using RagCluster.Kafka.Records;

namespace RagCluster.Kafka.Consuming;

/// <summary>Where a partition that has no committed offset is begun.</summary>
public enum StartAt
{
    Earliest,
    Latest,
}

public sealed record KafkaSourceOptions
{
    public required IReadOnlyList<string> Topics { get; init; }

    /// <summary>The consumer group; all nodes of a cluster share it.</summary>
    public required string Group { get; init; }

    /// <summary>
    /// The node's name within the group: one that comes back within the session's timeout gets its partitions back
    /// without a rebalance (static membership). Null lets it be a new member each time.
    /// </summary>
    public string? Instance { get; init; }

    public StartAt StartAt { get; init; } = StartAt.Earliest;

    public RecordReaderOptions Records { get; init; } = new();

    /// <summary>Records of one partition that are taken and not settled; beyond, the partition is paused.</summary>
    public int MaxInFlightPerPartition { get; init; } = 500;

    /// <summary>Bytes of records of all partitions that are taken and not settled; beyond, all partitions are paused.</summary>
    public long MaxInFlightBytes { get; init; } = 64L << 20;

    /// <summary>How long a partition that goes to another member is waited for until what is in work is settled; what is not is delivered again there.</summary>
    public TimeSpan RevokePatience { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>After how long without a sign of life the group takes a member's partitions away.</summary>
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often offsets are committed.</summary>
    public TimeSpan CommitEvery { get; init; } = TimeSpan.FromSeconds(1);
}
