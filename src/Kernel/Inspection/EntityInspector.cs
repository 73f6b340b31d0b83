using System.Text.Json;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Inspection;

/// <summary>An entity as its log has it, for people.</summary>
/// <param name="Shard">The number of its shard, within the type.</param>
/// <param name="Seq">Of its last event.</param>
/// <param name="State">As UTF-8 JSON; null where the type has no JSON of its states.</param>
/// <param name="SnapshotSeq">Up to where the saved snapshot goes; 0 without one.</param>
/// <param name="Events">The last ones, oldest first.</param>
public sealed record EntityInspection(
    string EntityType, string Id, int Shard, long Seq, byte[]? State, bool HasOpenWork, long SnapshotSeq, IReadOnlyList<JournalRecord> Events);

/// <summary>
/// Reads entities of one type from the store, on whichever node: it wakes none and disturbs no owner.
/// </summary>
public interface IEntityInspector
{
    string EntityType { get; }

    IReadOnlyList<ShardRow> Shards { get; }

    /// <summary>The number of the entity's shard.</summary>
    /// <exception cref="ArgumentException">The id is empty or too long.</exception>
    int ShardOf(string id);

    /// <summary>Null: nothing has happened to it, ever.</summary>
    /// <exception cref="StoreException">The store does not answer.</exception>
    /// <exception cref="InvalidDataException">Its log is damaged; the message says where.</exception>
    ValueTask<EntityInspection?> InspectAsync(string id, int lastEvents, CancellationToken cancellationToken);

    /// <summary>Reads the shard's whole log, its snapshots, and what is remembered, and tells what is wrong. Changes nothing.</summary>
    ValueTask<ShardFindings> CheckAsync(int number, CancellationToken cancellationToken);
}

internal sealed class EntityInspector<TEntity, TState, TCommand, TEvent, TReply>(
    EntityDefinition<TEntity, TState, TCommand, TEvent, TReply> definition, IReadOnlyList<ShardRow> rows, IShardStore store) : IEntityInspector
    where TEntity : IEntity<TState, TCommand, TEvent, TReply>
{
    private readonly ShardRow[] _shards = [.. rows.OrderBy(row => row.Number)];

    public string EntityType => TEntity.Type;

    public IReadOnlyList<ShardRow> Shards => _shards;

    public int ShardOf(string id) => new EntityId(id).Bucket(_shards.Length);

    public async ValueTask<EntityInspection?> InspectAsync(string id, int lastEvents, CancellationToken cancellationToken)
    {
        var shard = _shards[ShardOf(id)];
        var (state, snapshotSeq) = await RestoreAsync(shard, id, cancellationToken);
        var (seq, recent) = (snapshotSeq, new Queue<JournalRecord>());
        while (await store.ReadEntityAsync(shard.ShardId, id, seq, PageLimit.Default, cancellationToken) is { Count: > 0 } page)
        {
            foreach (var record in page)
            {
                state = TEntity.Evolve(state, Event(record));
                seq = record.Seq;
                Keep(recent, record, lastEvents);
            }
        }

        if (seq == 0)
        {
            return null;
        }

        if (recent.Count < lastEvents && snapshotSeq > 0)
        {
            recent.Clear();
            for (var after = Math.Max(0, seq - lastEvents); after < seq;)
            {
                var page = await store.ReadEntityAsync(shard.ShardId, id, after, PageLimit.Default, cancellationToken);
                foreach (var record in page.Where(record => record.Seq <= seq))
                {
                    Keep(recent, record, lastEvents);
                }

                after = page.Count > 0 ? page[^1].Seq : seq;
            }
        }

        var json = definition.StateJson is { } type ? JsonSerializer.SerializeToUtf8Bytes(state, type) : null;
        return new EntityInspection(TEntity.Type, id, shard.Number, seq, json, TEntity.HasOpenWork(state), snapshotSeq, [.. recent]);
    }

    public async ValueTask<ShardFindings> CheckAsync(int number, CancellationToken cancellationToken)
    {
        var shard = _shards[number];
        var findings = new FindingList();
        var entities = new Dictionary<string, long>(StringComparer.Ordinal);
        var (events, last, epoch) = (0L, 0L, 0L);

        // A live shard's row may be raised while its log is read: the epoch of the row is read last.
        while (await store.ReadShardAsync(shard.ShardId, last, PageLimit.Default, cancellationToken) is { Count: > 0 } page)
        {
            foreach (var record in page)
            {
                events++;
                if (record.ShardSeq != last + 1)
                {
                    findings.Add($"event {record.ShardSeq} follows {last}: the log has a gap");
                }

                if (record.Epoch < epoch)
                {
                    findings.Add($"event {record.ShardSeq} was written under epoch {record.Epoch} after one under {epoch}: two writers");
                }

                if (record.Seq != entities.GetValueOrDefault(record.Entity) + 1)
                {
                    findings.Add($"event {record.Seq} of \"{record.Entity}\" follows {entities.GetValueOrDefault(record.Entity)}");
                }

                Try(findings, $"event {record.Seq} of \"{record.Entity}\"", () => Event(record));
                if (record.CommandId is not null)
                {
                    Try(findings, $"the reply with event {record.Seq} of \"{record.Entity}\"", () => JsonSerializer.Deserialize(record.Reply.Span, definition.ReplyJson));
                }

                (last, epoch, entities[record.Entity]) = (record.ShardSeq, Math.Max(epoch, record.Epoch), record.Seq);
            }
        }

        if ((await store.FindShardAsync(shard.ShardId, cancellationToken)).Epoch < epoch)
        {
            findings.Add($"the shard's row has an older epoch than its log, which was written under {epoch}");
        }

        foreach (var remembered in await store.ListRememberedAsync(shard.ShardId, cancellationToken))
        {
            if (!entities.ContainsKey(remembered) && new EntityId(remembered).Bucket(_shards.Length) != number)
            {
                findings.Add($"\"{remembered}\" is to be started here and belongs to another shard");
            }
        }

        foreach (var (id, seq) in entities)
        {
            if (ShardOf(id) != number)
            {
                findings.Add($"\"{id}\" belongs to shard {ShardOf(id)}");
            }

            await CheckSnapshotAsync(shard, id, seq, findings, cancellationToken);
        }

        return new ShardFindings(TEntity.Type, number, events, [.. entities.Keys], findings.Total, findings.Kept);
    }

    private async ValueTask CheckSnapshotAsync(ShardRow shard, string id, long seq, FindingList findings, CancellationToken cancellationToken)
    {
        if (definition.StateJson is not { } type || await store.LoadSnapshotAsync(shard.ShardId, id, cancellationToken) is not { } snapshot)
        {
            return;
        }

        Try(findings, $"the snapshot of \"{id}\"", () => JsonSerializer.Deserialize(snapshot.State.Span, type));

        // The entity may have gone on since its log was read.
        if (snapshot.Seq > seq && (await store.ReadEntityAsync(shard.ShardId, id, snapshot.Seq - 1, new PageLimit(1, 1), cancellationToken)).Count == 0)
        {
            findings.Add($"the snapshot of \"{id}\" is of event {snapshot.Seq}, and its log ends at {seq}");
        }
    }

    private async ValueTask<(TState State, long Seq)> RestoreAsync(ShardRow shard, string id, CancellationToken cancellationToken)
    {
        if (definition.StateJson is { } type && await store.LoadSnapshotAsync(shard.ShardId, id, cancellationToken) is { } snapshot)
        {
            try
            {
                if (JsonSerializer.Deserialize(snapshot.State.Span, type) is { } state)
                {
                    return (state, snapshot.Seq);
                }
            }
            catch (JsonException)
            {
                // The log has everything that the snapshot had.
            }
        }

        return (TEntity.Initial(new EntityId(id)), 0);
    }

    private TEvent Event(JournalRecord record) => JsonSerializer.Deserialize(record.Payload.Span, definition.EventJson)
        ?? throw new InvalidDataException($"The log of {TEntity.Type} \"{record.Entity}\" holds a null event at {record.Seq}.");

    private static void Keep(Queue<JournalRecord> recent, JournalRecord record, int most)
    {
        recent.Enqueue(record);
        if (recent.Count > most)
        {
            recent.Dequeue();
        }
    }

    private static void Try(FindingList findings, string what, Func<object?> read)
    {
        try
        {
            if (read() is null)
            {
                findings.Add($"{what} is null");
            }
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidDataException or InvalidOperationException or FormatException or ArgumentException)
        {
            findings.Add($"{what} cannot be read: {e.Message}");
        }
    }
}
