using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Entities;

namespace RagCluster.Kernel.Journal.Composite;

/// <summary>
/// Several stores that hold disjoint sets of shards, seen as one. A shard's row, its log, its snapshots and the right to
/// claim it are in one store, so that every fence holds as if that store were alone; nothing is atomic across stores.
/// </summary>
/// <remarks>
/// 1. A shard's id carries its store: the store's place in its upper bits, the store's own id in the lower 24. The first
///    store's ids are unchanged, so that a cluster of one store becomes one of several by naming more at the end.
/// 2. A type's shards are dealt out when the type is new, number n to store n modulo the stores there are then, and stay.
///    The first store gets its part last: rows there mean that the dealing is done.
/// 3. Members are the first store's rows. Every other store has a mirrored row of each node with a lease by its own
///    clock, extended only after the first store has extended the true one; claims are judged by it. A node that the
///    first store holds for dead can claim elsewhere for one lease at most, and such a claim does no harm: whoever
///    acts on the death takes the shard by the next epoch.
/// 4. A further store that is down makes its own shards unavailable and nothing else: renewing does not wait for it, and
///    its rows are listed as they were last seen. The first store is everybody's: without it, leases run out.
/// </remarks>
public sealed partial class CompositeShardStore : IClusterStore
{
    private const int IdBits = 24;
    private const int MaxStores = 1 << (31 - IdBits);

    private readonly IReadOnlyList<IClusterStore> _stores;
    private readonly IRuntime _runtime;
    private readonly ILogger _log;
    private readonly IReadOnlyList<ShardRow>?[] _listed;

    /// <param name="stores">Always in the same order, new ones at the end; disposed with this.</param>
    public CompositeShardStore(IReadOnlyList<IClusterStore> stores, IRuntime runtime, ILogger log)
    {
        ArgumentOutOfRangeException.ThrowIfZero(stores.Count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(stores.Count, MaxStores);
        (_stores, _runtime, _log) = (stores, runtime, log);
        _listed = new IReadOnlyList<ShardRow>?[stores.Count];
        _mirroring = new bool[stores.Count];
    }

    private IClusterStore First => _stores[0];

    public ValueTask<string> AgreeAsync(string setting, string value, bool replace, CancellationToken cancellationToken = default) =>
        First.AgreeAsync(setting, value, replace, cancellationToken);

    public ValueTask<IReadOnlyList<ShardRow>> PrepareShardsAsync(string entityType, int shards, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shards);
        return PrepareShardsAsync(entityType, shards, [.. Enumerable.Range(0, shards)], cancellationToken);
    }

    public async ValueTask<IReadOnlyList<ShardRow>> PrepareShardsAsync(
        string entityType, int shards, IReadOnlyList<int> numbers, CancellationToken cancellationToken = default)
    {
        var first = (await First.ListShardsAsync(cancellationToken)).Where(row => row.EntityType == entityType).Select(row => row.Number).Order().ToArray();

        // Dealt out over n stores, the first one has 0, n, 2n...
        var dealt = first.Length switch
        {
            0 => _stores.Count,
            1 => Math.Min(numbers.Count, _stores.Count),
            _ => first[1] - first[0],
        };
        if (dealt > _stores.Count)
        {
            throw new StoreRefusedException($"The shards of \"{entityType}\" are spread over {dealt} stores, and {_stores.Count} are configured: name them all, in the order of then.");
        }

        var rows = new List<ShardRow>(numbers.Count);
        for (var store = dealt - 1; store >= 0; store--)
        {
            int[] part = [.. numbers.Where((_, i) => i % dealt == store)];
            if (part.Length > 0)
            {
                rows.AddRange(Global(store, await _stores[store].PrepareShardsAsync(entityType, shards, part, cancellationToken)));
            }
        }

        rows.Sort((a, b) => a.Number.CompareTo(b.Number));
        return rows;
    }

    public async ValueTask<IReadOnlyList<ShardRow>> ListShardsAsync(CancellationToken cancellationToken = default)
    {
        var rows = new List<ShardRow>();
        for (var i = 0; i < _stores.Count; i++)
        {
            rows.AddRange(await ListAsync(i, cancellationToken));
        }

        return rows;
    }

    public async ValueTask<ShardRow> FindShardAsync(int shardId, CancellationToken cancellationToken = default)
    {
        var (store, id) = Local(shardId);
        return (await _stores[store].FindShardAsync(id, cancellationToken)) with { ShardId = shardId };
    }

    public ValueTask<long?> ClaimAsync(int shardId, long seenEpoch, NodeIncarnation owner, CancellationToken cancellationToken = default)
    {
        var (store, id) = Local(shardId);
        return _stores[store].ClaimAsync(id, seenEpoch, owner, cancellationToken);
    }

    public ValueTask<bool> ReleaseAsync(int shardId, long epoch, CancellationToken cancellationToken = default)
    {
        var (store, id) = Local(shardId);
        return _stores[store].ReleaseAsync(id, epoch, cancellationToken);
    }

    public int GroupOf(int shardId) => shardId >> IdBits;

    public async ValueTask<IReadOnlyList<AppendResult>> AppendAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken = default)
    {
        var results = new AppendResult[batches.Count];
        var parts = Enumerable.Range(0, batches.Count).GroupBy(i => GroupOf(batches[i].ShardId)).OrderBy(part => part.Key).ToArray();
        if (parts.Length == 1)
        {
            await AppendAsync([.. parts[0]]);
            return results;
        }

        await Waits.All(parts.Select(async part =>
        {
            try
            {
                await AppendAsync([.. part]);
            }
            catch (StoreException e)
            {
                // To throw would be to say that nothing was written anywhere.
                LogPartFailed(_log, e, part.Key, part.Count());
                foreach (var i in part)
                {
                    results[i] = AppendResult.Unknown;
                }
            }
        }));
        return results;

        async Task AppendAsync(int[] part)
        {
            var local = part.Select(i => batches[i] with { ShardId = Local(batches[i].ShardId).Id }).ToArray();
            var answers = await _stores[GroupOf(batches[part[0]].ShardId)].AppendAsync(local, cancellationToken);
            for (var i = 0; i < part.Length; i++)
            {
                results[part[i]] = answers[i];
            }
        }
    }

    public ValueTask<long> LastShardSeqAsync(int shardId, CancellationToken cancellationToken = default)
    {
        var (store, id) = Local(shardId);
        return _stores[store].LastShardSeqAsync(id, cancellationToken);
    }

    public ValueTask<IReadOnlyList<JournalRecord>> ReadEntityAsync(int shardId, string entity, long afterSeq, PageLimit limit, CancellationToken cancellationToken = default)
    {
        var (store, id) = Local(shardId);
        return _stores[store].ReadEntityAsync(id, entity, afterSeq, limit, cancellationToken);
    }

    public ValueTask<IReadOnlyList<JournalRecord>> ReadShardAsync(int shardId, long afterShardSeq, PageLimit limit, CancellationToken cancellationToken = default)
    {
        var (store, id) = Local(shardId);
        return _stores[store].ReadShardAsync(id, afterShardSeq, limit, cancellationToken);
    }

    public ValueTask<bool> SaveSnapshotAsync(int shardId, long epoch, Snapshot snapshot, CancellationToken cancellationToken = default)
    {
        var (store, id) = Local(shardId);
        return _stores[store].SaveSnapshotAsync(id, epoch, snapshot, cancellationToken);
    }

    public ValueTask<Snapshot?> LoadSnapshotAsync(int shardId, string entity, CancellationToken cancellationToken = default)
    {
        var (store, id) = Local(shardId);
        return _stores[store].LoadSnapshotAsync(id, entity, cancellationToken);
    }

    public ValueTask DeleteSnapshotAsync(int shardId, string entity, CancellationToken cancellationToken = default)
    {
        var (store, id) = Local(shardId);
        return _stores[store].DeleteSnapshotAsync(id, entity, cancellationToken);
    }

    public ValueTask<IReadOnlyList<string>> ListRememberedAsync(int shardId, CancellationToken cancellationToken = default)
    {
        var (store, id) = Local(shardId);
        return _stores[store].ListRememberedAsync(id, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var store in _stores)
        {
            await store.DisposeAsync();
        }
    }

    private static IEnumerable<ShardRow> Global(int store, IReadOnlyList<ShardRow> rows) => rows.Select(row => row.ShardId < 1 << IdBits
        ? row with { ShardId = (store << IdBits) | row.ShardId }
        : throw new StoreRefusedException($"Store {store} has a shard {row.ShardId}, and {(1 << IdBits) - 1} is the last that several stores can have."));

    private async ValueTask<IReadOnlyList<ShardRow>> ListAsync(int store, CancellationToken cancellationToken)
    {
        try
        {
            IReadOnlyList<ShardRow> rows = [.. Global(store, await _stores[store].ListShardsAsync(cancellationToken))];
            Volatile.Write(ref _listed[store], rows);
            return rows;
        }
        catch (StoreException e) when (store > 0 && Volatile.Read(ref _listed[store]) is { } last)
        {
            LogListedAsLastSeen(_log, e, store);
            return last;
        }
    }

    private (int Store, int Id) Local(int shardId)
    {
        var store = shardId >> IdBits;
        return store < _stores.Count && store >= 0
            ? (store, shardId & ((1 << IdBits) - 1))
            : throw new StoreException($"Shard {shardId} is in store {store}, and {_stores.Count} stores are configured.");
    }

    [LoggerMessage(2030, LogLevel.Warning, "Store {Store} failed while others were written to; what became of its {Batches} batches is asked.")]
    private static partial void LogPartFailed(ILogger log, Exception reason, int store, int batches);

    [LoggerMessage(2031, LogLevel.Warning, "Store {Store} cannot be asked for its shards; they are listed as they were last seen.")]
    private static partial void LogListedAsLastSeen(ILogger log, Exception reason, int store);

    [LoggerMessage(2032, LogLevel.Warning, "Store {Store} could not be told about {Node}; it is told again with the next renewal, and until then its shards cannot be claimed.")]
    private static partial void LogNotMirrored(ILogger log, Exception reason, int store, string node);
}
