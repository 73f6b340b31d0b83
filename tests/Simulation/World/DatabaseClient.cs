using RagCluster.Kernel.Journal;
using RagCluster.TestKit;

namespace RagCluster.Simulation.World;

/// <summary>
/// One node's client of the simulated database: what the production store is to PostgreSQL. A call that got no answer
/// is told as the store's contract says: an append is unknown, everything else throws, though it may have taken effect.
/// </summary>
internal sealed class DatabaseClient(Database database, SimulatedNode node, string machine, bool isLater) : IClusterStore
{
    /// <summary>Known from the moment that the node has joined.</summary>
    public NodeIncarnation? Incarnation { get; private set; }

    public async ValueTask<NodeIncarnation> JoinAsync(string name, CancellationToken cancellationToken = default)
    {
        Incarnation = await CallAsync(() => database.Store.JoinAsync(name, CancellationToken.None), cancellationToken);
        return Incarnation.Value;
    }

    public async ValueTask<NodeIncarnation> JoinAsync(NodeJoin join, CancellationToken cancellationToken = default)
    {
        Incarnation = await CallAsync(() => database.Store.JoinAsync(join, CancellationToken.None), cancellationToken);
        return Incarnation.Value;
    }

    public ValueTask<bool> ChangeStateAsync(NodeIncarnation incarnation, NodeState state, CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.ChangeStateAsync(incarnation, state, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.ListNodesAsync(CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<ShardRow>> PrepareShardsAsync(string entityType, int shards, CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.PrepareShardsAsync(entityType, shards, CancellationToken.None), cancellationToken);

    public ValueTask<ShardRow> FindShardAsync(int shardId, CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.FindShardAsync(shardId, CancellationToken.None), cancellationToken);

    public ValueTask<long?> ClaimAsync(int shardId, long seenEpoch, NodeIncarnation owner, CancellationToken cancellationToken = default) => CallAsync(
        async () =>
        {
            var epoch = await database.Store.ClaimAsync(shardId, seenEpoch, owner, CancellationToken.None);
            if (epoch is { } raised)
            {
                database.Note(shardId, raised, owner);
            }

            return epoch;
        },
        cancellationToken);

    public ValueTask<bool> ReleaseAsync(int shardId, long epoch, CancellationToken cancellationToken = default) => CallAsync(
        async () =>
        {
            var released = await database.Store.ReleaseAsync(shardId, epoch, CancellationToken.None);
            if (released)
            {
                database.Note(shardId, epoch + 1, null);
            }

            return released;
        },
        cancellationToken);

    public async ValueTask<IReadOnlyList<AppendResult>> AppendAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken = default)
    {
        if (isLater)
        {
            batches = [.. batches.Select(Dressed)];
        }

        try
        {
            return await SendAsync(
                async () =>
                {
                    var results = await database.Store.AppendAsync(batches, CancellationToken.None);
                    database.Note(Incarnation, batches, results);
                    return results;
                },
                CancellationToken.None);
        }
        catch (ConnectionBrokenException)
        {
            return [.. batches.Select(_ => AppendResult.Unknown)];
        }
    }

    public ValueTask<long> LastShardSeqAsync(int shardId, CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.LastShardSeqAsync(shardId, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<JournalRecord>> ReadEntityAsync(int shardId, string entity, long afterSeq, PageLimit limit, CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.ReadEntityAsync(shardId, entity, afterSeq, limit, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<JournalRecord>> ReadShardAsync(int shardId, long afterShardSeq, PageLimit limit, CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.ReadShardAsync(shardId, afterShardSeq, limit, CancellationToken.None), cancellationToken);

    public ValueTask<bool> SaveSnapshotAsync(int shardId, long epoch, Snapshot snapshot, CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.SaveSnapshotAsync(shardId, epoch, snapshot, CancellationToken.None), cancellationToken);

    public ValueTask<Snapshot?> LoadSnapshotAsync(int shardId, string entity, CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.LoadSnapshotAsync(shardId, entity, CancellationToken.None), cancellationToken);

    public async ValueTask DeleteSnapshotAsync(int shardId, string entity, CancellationToken cancellationToken = default) =>
        await CallAsync(
            async () =>
            {
                await database.Store.DeleteSnapshotAsync(shardId, entity, CancellationToken.None);
                return true;
            },
            cancellationToken);

    public ValueTask<IReadOnlyList<string>> ListRememberedAsync(int shardId, CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.ListRememberedAsync(shardId, CancellationToken.None), cancellationToken);

    public ValueTask<bool> RenewAsync(NodeIncarnation incarnation, TimeSpan lease, CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.RenewAsync(incarnation, lease, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<MemberRow>> ListMembersAsync(CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.ListMembersAsync(CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<NodeIncarnation>> BuryAsync(CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.BuryAsync(CancellationToken.None), cancellationToken);

    public ValueTask<bool> DeclareDeadAsync(NodeIncarnation incarnation, CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.DeclareDeadAsync(incarnation, CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<ShardRow>> ListShardsAsync(CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.ListShardsAsync(CancellationToken.None), cancellationToken);

    public ValueTask<IReadOnlyList<ShardRow>> PrepareShardsAsync(string entityType, int shards, IReadOnlyList<int> numbers, CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.PrepareShardsAsync(entityType, shards, numbers, CancellationToken.None), cancellationToken);

    public ValueTask<bool> MirrorAsync(MemberRow member, TimeSpan lease, CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.MirrorAsync(member, lease, CancellationToken.None), cancellationToken);

    public ValueTask<string> AgreeAsync(string setting, string value, bool replace, CancellationToken cancellationToken = default) =>
        CallAsync(() => database.Store.AgreeAsync(setting, value, replace, CancellationToken.None), cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>With a property in each event and reply that the present release does not know.</summary>
    private static ShardBatch Dressed(ShardBatch batch) => batch with
    {
        Events = [.. batch.Events.Select(e => e with { Payload = WireRelease.Add(e.Payload.Span), Reply = WireRelease.Add(e.Reply.Span) })],
    };

    private async ValueTask<T> CallAsync<T>(Func<ValueTask<T>> statement, CancellationToken cancellationToken)
    {
        try
        {
            return await SendAsync(statement, cancellationToken);
        }
        catch (ConnectionBrokenException e)
        {
            throw new StoreException(StoreFailure.Unreachable, e.Message, e);
        }
    }

    /// <exception cref="StoreException">It certainly took no effect.</exception>
    /// <exception cref="ConnectionBrokenException">It may have taken effect.</exception>
    private async Task<T> SendAsync<T>(Func<ValueTask<T>> statement, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (database.IsDown && database.Reaches(machine))
        {
            await Task.Delay(database.Delay(), node.Time, cancellationToken);
            throw new StoreException(StoreFailure.Unreachable, "The simulated database refuses the connection: it is starting.");
        }

        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        database.Carry(machine, statement, done);
        using var patience = node.Time.CreateTimer(
            static state => ((TaskCompletionSource<T>)state!).TrySetException(new ConnectionBrokenException("The simulated database did not answer in time.")),
            done,
            database.Patience,
            Timeout.InfiniteTimeSpan);
        using var registration = cancellationToken.UnsafeRegister(static (state, token) => ((TaskCompletionSource<T>)state!).TrySetCanceled(token), done);
        return await done.Task;
    }
}
