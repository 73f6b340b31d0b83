namespace RagCluster.Kernel.Entities;

/// <summary>How the entities of one type are kept.</summary>
public sealed record EntityOptions
{
    /// <summary>How many shards the type is spread over. Frozen once data exists: a different number is refused at start.</summary>
    public int Shards { get; init; } = 16;

    /// <summary>An entity without commands, subscribers or work for about this long (up to twice) leaves memory; <see cref="Timeout.InfiniteTimeSpan"/>: never.</summary>
    public TimeSpan PassivateAfter { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>
    /// How many entities of the type are in memory on this node: when more are needed, the longest idle ones leave
    /// first. Those with work, commands or subscribers stay, so it can be exceeded by as many as those are.
    /// </summary>
    public int MaxLive { get; init; } = 10_000;

    /// <summary>A snapshot is taken after so many events since the last one; 0 takes none.</summary>
    public int SnapshotEvery { get; init; } = 200;

    /// <summary>How many commands wait for one entity before senders wait.</summary>
    public int MailboxCapacity { get; init; } = 256;

    /// <summary>How many command ids, with their replies, an entity remembers.</summary>
    public int RememberedCommands { get; init; } = 128;

    /// <summary>How many recent events an entity keeps in memory for subscribers that are nearly up to date.</summary>
    public int RecentEvents { get; init; } = 64;

    /// <summary>How many live events wait for one subscriber before it goes on from the journal instead.</summary>
    public int SubscriberBuffer { get; init; } = 256;

    /// <exception cref="ArgumentOutOfRangeException">A value makes no sense.</exception>
    internal EntityOptions Validated()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Shards);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MailboxCapacity);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(SubscriberBuffer);
        ArgumentOutOfRangeException.ThrowIfNegative(SnapshotEvery);
        ArgumentOutOfRangeException.ThrowIfNegative(RememberedCommands);
        ArgumentOutOfRangeException.ThrowIfNegative(RecentEvents);
        if (PassivateAfter != Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(PassivateAfter, TimeSpan.Zero);
        }

        return this;
    }
}
