using RagCluster.Kernel.Blobs;

namespace RagCluster.Kernel.Journal.InMemory;

/// <summary>
/// The store's contract without a disk, for tests and simulation. It outlives the nodes that use it, as a database
/// would: to crash a node, leave it behind and open its shards again here.
/// </summary>
public sealed partial class InMemoryShardStore(TimeProvider time, StoreFaults? faults = null) : IClusterStore, IBlobTable
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<string, InMemoryNode> _nodes = new(StringComparer.Ordinal);
    private readonly List<ShardTable> _shards = [];
    private readonly Dictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ReadOnlyMemory<byte>> _blobs = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, string> _settings = new(StringComparer.Ordinal);
    private readonly StoreFaults _faults = faults ?? new StoreFaults();

    public StoreFaults Faults => _faults;

    public ValueTask<string> AgreeAsync(string setting, string value, bool replace, CancellationToken cancellationToken = default) =>
        Call(() => _settings[setting] = replace ? value : _settings.GetValueOrDefault(setting, value));

    public ValueTask<IReadOnlyList<ShardRow>> PrepareShardsAsync(string entityType, int shards, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shards);
        return PrepareShardsAsync(entityType, shards, [.. Enumerable.Range(0, shards)], cancellationToken);
    }

    public ValueTask<IReadOnlyList<ShardRow>> PrepareShardsAsync(
        string entityType, int shards, IReadOnlyList<int> numbers, CancellationToken cancellationToken = default) => Call<IReadOnlyList<ShardRow>>(() =>
    {
        if (_counts.TryGetValue(entityType, out var count) && count != shards)
        {
            throw ShardCounts.Differ(entityType, count.ToString(System.Globalization.CultureInfo.InvariantCulture), shards);
        }

        if (_counts.TryAdd(entityType, shards))
        {
            foreach (var number in numbers)
            {
                _shards.Add(new ShardTable(new ShardRow(_shards.Count + 1, entityType, number, null, 0)));
            }
        }

        ShardRow[] rows = [.. _shards.Select(shard => shard.Row).Where(row => row.EntityType == entityType).OrderBy(row => row.Number)];
        return rows.Select(row => row.Number).SequenceEqual(numbers.Order())
            ? rows
            : throw new StoreRefusedException($"The store in memory has other shards of \"{entityType}\" than the configured stores give it.");
    });

    public ValueTask<ShardRow> FindShardAsync(int shardId, CancellationToken cancellationToken = default) => Call(() => Shard(shardId).Row);

    public ValueTask<long?> ClaimAsync(int shardId, long seenEpoch, NodeIncarnation owner, CancellationToken cancellationToken = default) => Call<long?>(() =>
    {
        var shard = Shard(shardId);
        shard.LandLate();
        if (shard.Row.Epoch != seenEpoch || !MayClaim(owner, shard.Row))
        {
            return null;
        }

        shard.Row = shard.Row with { Owner = owner, Epoch = seenEpoch + 1 };
        return shard.Row.Epoch;
    });

    public ValueTask<bool> ReleaseAsync(int shardId, long epoch, CancellationToken cancellationToken = default) => Call(() =>
    {
        var shard = Shard(shardId);
        shard.LandLate();
        if (shard.Row.Epoch != epoch)
        {
            return false;
        }

        shard.Row = shard.Row with { Owner = null, Epoch = epoch + 1 };
        return true;
    });

    public async ValueTask<IReadOnlyList<AppendResult>> AppendAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken = default)
    {
        await Pause();
        var fault = _faults.Append?.Invoke() ?? AppendFault.None;
        lock (_gate)
        {
            return fault switch
            {
                AppendFault.None => [.. batches.Select(Append)],
                AppendFault.Fenced => [.. batches.Select(StealAndAppend)],
                AppendFault.Conflict => [.. batches.Select(_ => AppendResult.Conflict)],
                AppendFault.UnknownCommitted => [.. batches.Select(batch => Hide(Append(batch)))],
                AppendFault.UnknownLost => [.. batches.Select(_ => AppendResult.Unknown)],
                AppendFault.UnknownLate => [.. batches.Select(Delay)],
                AppendFault.Fail => throw new StoreException(StoreFailure.InputOutput, "The store in memory was told to fail."),
                _ => throw new ArgumentOutOfRangeException(nameof(batches), fault, "Not a fault of an append."),
            };
        }
    }

    public ValueTask<long> LastShardSeqAsync(int shardId, CancellationToken cancellationToken = default) =>
        Call(() => (long)Shard(shardId).Log.Count);

    public ValueTask<IReadOnlyList<JournalRecord>> ReadEntityAsync(int shardId, string entity, long afterSeq, PageLimit limit, CancellationToken cancellationToken = default) =>
        Call<IReadOnlyList<JournalRecord>>(() => Page(Shard(shardId).Of(entity, afterSeq), limit));

    public ValueTask<IReadOnlyList<JournalRecord>> ReadShardAsync(int shardId, long afterShardSeq, PageLimit limit, CancellationToken cancellationToken = default) =>
        Call<IReadOnlyList<JournalRecord>>(() => Page(Shard(shardId).Log.Skip((int)afterShardSeq), limit));

    public ValueTask<bool> SaveSnapshotAsync(int shardId, long epoch, Snapshot snapshot, CancellationToken cancellationToken = default) => Call(() =>
    {
        var shard = Shard(shardId);
        if (shard.Row.Epoch != epoch)
        {
            return false;
        }

        shard.Snapshots[snapshot.Entity] = snapshot;
        return true;
    });

    public ValueTask<Snapshot?> LoadSnapshotAsync(int shardId, string entity, CancellationToken cancellationToken = default) =>
        Call(() => Shard(shardId).Snapshots.GetValueOrDefault(entity));

    public async ValueTask DeleteSnapshotAsync(int shardId, string entity, CancellationToken cancellationToken = default) =>
        await Call(() => Shard(shardId).Snapshots.Remove(entity));

    public ValueTask<IReadOnlyList<string>> ListRememberedAsync(int shardId, CancellationToken cancellationToken = default) =>
        Call<IReadOnlyList<string>>(() => [.. Shard(shardId).Remembered]);

    public async ValueTask SaveBlobAsync(string id, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
        await Call(() => _blobs.TryAdd(id, content.ToArray()));

    public ValueTask<ReadOnlyMemory<byte>?> LoadBlobAsync(string id, CancellationToken cancellationToken = default) =>
        Call<ReadOnlyMemory<byte>?>(() => _blobs.TryGetValue(id, out var content) ? content : (ReadOnlyMemory<byte>?)null);

    public ValueTask<long?> BlobLengthAsync(string id, CancellationToken cancellationToken = default) =>
        Call<long?>(() => _blobs.TryGetValue(id, out var content) ? content.Length : null);

    public ValueTask<bool> DeleteBlobAsync(string id, CancellationToken cancellationToken = default) => Call(() => _blobs.Remove(id));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static AppendResult Hide(AppendResult result) => result == AppendResult.Committed ? AppendResult.Unknown : result;

    private static List<JournalRecord> Page(IEnumerable<JournalRecord> records, PageLimit limit)
    {
        var page = new List<JournalRecord>();
        var bytes = 0;
        foreach (var record in records)
        {
            page.Add(record);
            bytes += record.Payload.Length + record.Reply.Length;
            if (page.Count >= limit.Records || bytes >= limit.Bytes)
            {
                break;
            }
        }

        return page;
    }

    private AppendResult Append(ShardBatch batch) => Shard(batch.ShardId).Append(batch);

    private AppendResult StealAndAppend(ShardBatch batch)
    {
        var shard = Shard(batch.ShardId);
        shard.Row = shard.Row with { Owner = new NodeIncarnation("thief", 1), Epoch = shard.Row.Epoch + 1 };
        return shard.Append(batch);
    }

    private AppendResult Delay(ShardBatch batch)
    {
        Shard(batch.ShardId).Late = batch;
        return AppendResult.Unknown;
    }

    private ShardTable Shard(int shardId) => shardId > 0 && shardId <= _shards.Count
        ? _shards[shardId - 1]
        : throw new StoreException($"There is no shard {shardId} in the store in memory.");

    private async ValueTask<T> Call<T>(Func<T> work)
    {
        await Pause();
        if (_faults.Other?.Invoke() == true)
        {
            throw new StoreException(StoreFailure.InputOutput, "The store in memory was told to fail.");
        }

        lock (_gate)
        {
            return work();
        }
    }

    private ValueTask Pause()
    {
        var delay = _faults.Delay?.Invoke() ?? TimeSpan.Zero;
        return delay > TimeSpan.Zero ? new ValueTask(Task.Delay(delay, time))
            : _faults.AtOnce ? default
            : OneTurn();
    }

    private static async ValueTask OneTurn() => await Task.Yield();
}
