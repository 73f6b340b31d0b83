namespace RagCluster.Kernel.Journal;

/// <summary>
/// The one place that says who owns which shard and what happened in it. Engines: SQLite (one process) and memory
/// (tests); a server engine adds to this and changes nothing.
/// </summary>
/// <remarks>
/// <para>Safety rests on the shard row alone: an append carries the owner's epoch and takes effect only if the row
/// still says so, in the same atomic step. Leases and clocks decide liveness only.</para>
/// <para>A call that throws <see cref="StoreException"/> wrote nothing, and trying again is right; an append whose
/// outcome is not known answers <see cref="AppendResult.Unknown"/> and never throws. Cancelling stops the wait for
/// a call to begin; once a write has begun, it ends.</para>
/// </remarks>
public interface IShardStore : IAsyncDisposable
{
    /// <summary>Begins a new life of the node. Its earlier incarnations are dead from now on.</summary>
    ValueTask<NodeIncarnation> JoinAsync(string node, CancellationToken cancellationToken = default);

    /// <summary>False if this incarnation is no longer the node's latest, or has left or died: it must stop.</summary>
    ValueTask<bool> ChangeStateAsync(NodeIncarnation node, NodeState state, CancellationToken cancellationToken = default);

    ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// What everybody who uses this store must agree on, such as how keys are spread. The first value given holds until it
    /// is replaced; returns the one that holds.
    /// </summary>
    /// <param name="setting">Its name, such as "partitions.per-tenant".</param>
    /// <param name="replace">Puts the value in place of whatever holds.</param>
    ValueTask<string> AgreeAsync(string setting, string value, bool replace, CancellationToken cancellationToken = default);

    /// <summary>The type's shards in order of their number, created when the type is new.</summary>
    /// <exception cref="StoreRefusedException">The type already has another number of shards, which is frozen.</exception>
    ValueTask<IReadOnlyList<ShardRow>> PrepareShardsAsync(string entityType, int shards, CancellationToken cancellationToken = default);

    /// <exception cref="StoreException">There is no such shard.</exception>
    ValueTask<ShardRow> FindShardAsync(int shardId, CancellationToken cancellationToken = default);

    /// <summary>
    /// Takes the shard over by compare-and-set, from whoever has it. Returns the new epoch; null if the epoch was no
    /// longer <paramref name="seenEpoch"/>, and then nothing changed. After it, no append of an older epoch can land.
    /// </summary>
    ValueTask<long?> ClaimAsync(int shardId, long seenEpoch, NodeIncarnation owner, CancellationToken cancellationToken = default);

    /// <summary>Gives the shard up and raises its epoch. False if the epoch was no longer <paramref name="epoch"/>.</summary>
    ValueTask<bool> ReleaseAsync(int shardId, long epoch, CancellationToken cancellationToken = default);

    /// <summary>
    /// Appends for many shards in one atomic, durable step; one result per batch, in the order given, no shard twice.
    /// A fenced shard does not touch the others. An engine that cannot tell which shard conflicts answers Conflict
    /// for all, and the caller tries them one by one.
    /// </summary>
    ValueTask<IReadOnlyList<AppendResult>> AppendAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken = default);

    /// <summary>Shards of different groups are best appended to by different calls, because they are in different places.</summary>
    int GroupOf(int shardId) => 0;

    /// <summary>The last sequence number of the shard's log; 0 for an empty one.</summary>
    ValueTask<long> LastShardSeqAsync(int shardId, CancellationToken cancellationToken = default);

    /// <summary>The entity's events after <paramref name="afterSeq"/>, in order; empty at the end.</summary>
    ValueTask<IReadOnlyList<JournalRecord>> ReadEntityAsync(int shardId, string entity, long afterSeq, PageLimit limit, CancellationToken cancellationToken = default);

    /// <summary>The shard's log after <paramref name="afterShardSeq"/>, in order and without gaps; empty at the end.</summary>
    ValueTask<IReadOnlyList<JournalRecord>> ReadShardAsync(int shardId, long afterShardSeq, PageLimit limit, CancellationToken cancellationToken = default);

    /// <summary>Replaces the entity's snapshot. False if the shard has another epoch; then nothing changed.</summary>
    ValueTask<bool> SaveSnapshotAsync(int shardId, long epoch, Snapshot snapshot, CancellationToken cancellationToken = default);

    ValueTask<Snapshot?> LoadSnapshotAsync(int shardId, string entity, CancellationToken cancellationToken = default);

    ValueTask DeleteSnapshotAsync(int shardId, string entity, CancellationToken cancellationToken = default);

    /// <summary>The entities of the shard that are to be started by themselves, in ordinal order.</summary>
    ValueTask<IReadOnlyList<string>> ListRememberedAsync(int shardId, CancellationToken cancellationToken = default);
}
