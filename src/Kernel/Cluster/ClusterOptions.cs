namespace RagCluster.Kernel.Cluster;

/// <summary>How a node is one of several.</summary>
public sealed record ClusterOptions
{
    /// <summary>What the node is for. Entities that are bound to a role live only where it is.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [];

    /// <summary>
    /// How long the node is believed to live without a sign in the store. A killed node's shards are taken over after
    /// about this long; a node that cannot renew for nine tenths of it stops itself.
    /// </summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromMilliseconds(2400);

    /// <summary>How often the members and the owners of shards are read from the store without a hint, give or take a fifth.</summary>
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often they are read while a member is suspected to be gone.</summary>
    public TimeSpan PollSuspectEvery { get; init; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan ProbeEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A member that has answered no probe for so long is suspected: nothing is placed there, and its lease is watched closely.</summary>
    public TimeSpan SuspectAfter { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Commands that wait for one shard while it has no owner that can be reached; more are refused at once.</summary>
    public int BufferPerShard { get; init; } = 1000;

    /// <summary>Commands of one other node that are under way here; more are sent back and come again a little later.</summary>
    public int MaxRemoteCommands { get; init; } = 8192;

    /// <summary>Subscriptions of one other node that are served here.</summary>
    public int MaxRemoteSubscriptions { get; init; } = 50_000;

    /// <summary>Events on the way to one subscriber on another node that it has not taken yet.</summary>
    public int StreamCredit { get; init; } = 512;

    /// <summary>Shards without an owner that are given one in one pass.</summary>
    public int MaxClaimsPerPass { get; init; } = 64;

    /// <summary>Shards that change their owner for balance at the same time.</summary>
    public int MaxMovesPerPass { get; init; } = 4;

    /// <summary>How long the commands under way may hold up the hand-off of their shard.</summary>
    public TimeSpan HandOffBudget { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long commits are gathered before other nodes are told of them.</summary>
    public TimeSpan HintEvery { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <exception cref="ArgumentOutOfRangeException">A value makes no sense.</exception>
    internal ClusterOptions Validated()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Lease, TimeSpan.FromMilliseconds(100));
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(PollEvery, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(PollSuspectEvery, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(ProbeEvery, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(SuspectAfter, ProbeEvery);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(BufferPerShard);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxRemoteCommands);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxRemoteSubscriptions);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(StreamCredit);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxClaimsPerPass);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxMovesPerPass);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(HandOffBudget, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(HintEvery, TimeSpan.Zero);
        return this;
    }
}
