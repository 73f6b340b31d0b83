using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Projections;

/// <summary>
/// A view that is made from the logs of one type's shards and can be made again. It keeps its own positions, changed in
/// the same transaction as the view: so each event counts once, whenever the process dies.
/// </summary>
public interface IProjection
{
    string Name { get; }

    /// <summary>The last event of the shard that the view knows; 0 to begin at the beginning.</summary>
    ValueTask<long> PositionAsync(int shardId, CancellationToken cancellationToken);

    /// <summary>
    /// Takes in events that follow the position, in order and without gaps, and moves the position to the last one's
    /// <see cref="JournalRecord.ShardSeq"/>. If it throws, the view is as before, and the same events come again later.
    /// </summary>
    ValueTask ApplyAsync(int shardId, IReadOnlyList<JournalRecord> events, CancellationToken cancellationToken);
}

public sealed record ProjectionOptions
{
    /// <summary>How often the logs are looked at without a hint, in case one was missed.</summary>
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>By which share a poll comes earlier or later, by chance, so that many nodes do not look at the same moment; below 1.</summary>
    public double PollJitter { get; init; } = 0.2;

    /// <summary>
    /// How long to gather after a commit before looking: a view that takes many events at once does less. Whoever waits
    /// for the view cuts it short. Zero looks at once.
    /// </summary>
    public TimeSpan GatherFor { get; init; } = TimeSpan.FromMilliseconds(10);

    public PageLimit Page { get; init; } = PageLimit.Default;

    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>How far a projection is in one shard.</summary>
/// <param name="Lag">How many events it does not know yet.</param>
/// <param name="Failure">Why it does not get on; null where it does.</param>
public sealed record ProjectionStatus(string Projection, int ShardId, long Position, long Lag, string? Failure);
