namespace RagCluster.Kernel.Journal.Sqlite;

public sealed partial class SqliteShardStore
{
    private const long MaxShardSeq = (1L << SqliteSchema.SeqBits) - 1;

    public ValueTask<IReadOnlyList<AppendResult>> AppendAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken = default) =>
        new(_writer.RunAsync<IReadOnlyList<AppendResult>>(
            session => Append(session, batches),
            unknown: () => Enumerable.Repeat(AppendResult.Unknown, batches.Count).ToArray(),
            cancellationToken));

    public ValueTask<long> LastShardSeqAsync(int shardId, CancellationToken cancellationToken = default) =>
        _readers.ReadAsync(
            session =>
            {
                using var use = session.Use("SELECT max(position) FROM journal WHERE position BETWEEN ?1 AND ?2");
                return use.Value.Bind(1, Position(shardId, 0)).Bind(2, Position(shardId, MaxShardSeq)).Step() && !use.Value.IsNull(0)
                    ? use.Value.Long(0) & MaxShardSeq
                    : 0;
            },
            cancellationToken);

    public ValueTask<IReadOnlyList<JournalRecord>> ReadEntityAsync(int shardId, string entity, long afterSeq, PageLimit limit, CancellationToken cancellationToken = default) =>
        _readers.ReadAsync<IReadOnlyList<JournalRecord>>(
            session =>
            {
                using var use = session.Use(
                    """
                    SELECT position, entity, seq, epoch, command_id, reply, payload, at FROM journal
                    WHERE shard_id = ?1 AND entity = ?2 AND seq > ?3 ORDER BY seq
                    """);
                return Page(use.Value.Bind(1, shardId).Bind(2, entity).Bind(3, afterSeq), limit);
            },
            cancellationToken);

    public ValueTask<IReadOnlyList<JournalRecord>> ReadShardAsync(int shardId, long afterShardSeq, PageLimit limit, CancellationToken cancellationToken = default) =>
        _readers.ReadAsync<IReadOnlyList<JournalRecord>>(
            session =>
            {
                using var use = session.Use(
                    """
                    SELECT position, entity, seq, epoch, command_id, reply, payload, at FROM journal
                    WHERE position > ?1 AND position <= ?2 ORDER BY position
                    """);
                return Page(use.Value.Bind(1, Position(shardId, afterShardSeq)).Bind(2, Position(shardId, MaxShardSeq)), limit);
            },
            cancellationToken);

    private static AppendResult[] Append(SqliteSession session, IReadOnlyList<ShardBatch> batches)
    {
        var results = new AppendResult[batches.Count];
        session.Execute("SAVEPOINT appends");
        try
        {
            for (var i = 0; i < results.Length; i++)
            {
                results[i] = Append(session, batches[i]);
            }
        }
        catch (SqliteConstraintException)
        {
            // One of them conflicts; find out which, and let the others pass.
            session.Execute("ROLLBACK TO appends");
            for (var i = 0; i < results.Length; i++)
            {
                results[i] = AppendAlone(session, batches[i]);
            }
        }

        session.Execute("RELEASE appends");
        return results;
    }

    private static AppendResult AppendAlone(SqliteSession session, ShardBatch batch)
    {
        session.Execute("SAVEPOINT shard");
        AppendResult result;
        try
        {
            result = Append(session, batch);
        }
        catch (SqliteConstraintException)
        {
            session.Execute("ROLLBACK TO shard");
            result = AppendResult.Conflict;
        }

        session.Execute("RELEASE shard");
        return result;
    }

    private static AppendResult Append(SqliteSession session, ShardBatch batch)
    {
        using (var fence = session.Use("SELECT 1 FROM shard WHERE shard_id = ?1 AND epoch = ?2"))
        {
            if (!fence.Value.Bind(1, batch.ShardId).Bind(2, batch.Epoch).Step())
            {
                return AppendResult.Fenced;
            }
        }

        if (!Follows(session, batch))
        {
            return AppendResult.Conflict;
        }

        using (var insert = session.Use("INSERT INTO journal (position, entity, seq, epoch, command_id, reply, payload, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"))
        {
            var position = Position(batch.ShardId, batch.FirstShardSeq);
            for (var i = 0; i < batch.Events.Count; i++)
            {
                Insert(insert.Value, position + i, batch.Epoch, batch.Events[i]);
            }
        }

        foreach (var change in batch.Remembered)
        {
            using var use = session.Use(change.Remembered
                ? "INSERT OR IGNORE INTO remembered (shard_id, entity) VALUES (?1, ?2)"
                : "DELETE FROM remembered WHERE shard_id = ?1 AND entity = ?2");
            use.Value.Bind(1, batch.ShardId).Bind(2, change.Entity).Run();
        }

        return AppendResult.Committed;
    }

    /// <summary>The log has no gaps: the event before the first one is there.</summary>
    private static bool Follows(SqliteSession session, ShardBatch batch)
    {
        if (batch.FirstShardSeq == 1)
        {
            return true;
        }

        using var use = session.Use("SELECT 1 FROM journal WHERE position = ?1");
        return use.Value.Bind(1, Position(batch.ShardId, batch.FirstShardSeq - 1)).Step();
    }

    private static void Insert(SqliteStatement insert, long position, long epoch, in NewEvent e)
    {
        insert.Bind(1, position).Bind(2, e.Entity).Bind(3, e.Seq).Bind(4, epoch).Bind(5, e.CommandId);
        if (e.CommandId is null)
        {
            insert.Bind(6, null);
        }
        else
        {
            insert.BindText(6, e.Reply.Span);
        }

        insert.BindText(7, e.Payload.Span).Bind(8, e.At.ToUnixTimeMilliseconds()).Run();
        insert.Reset();
    }

    private static List<JournalRecord> Page(SqliteStatement row, PageLimit limit)
    {
        var records = new List<JournalRecord>();
        var text = new PageText();
        var entity = "";
        while (row.Step())
        {
            var name = row.Bytes(1);
            if (!text.Same(name))
            {
                entity = text.Remember(name);
            }

            records.Add(new JournalRecord(
                row.Long(0) & MaxShardSeq,
                entity,
                row.Long(2),
                row.Long(3),
                row.IsNull(4) ? null : row.Text(4),
                text.Add(row.Bytes(5)),
                text.Add(row.Bytes(6)),
                DateTimeOffset.FromUnixTimeMilliseconds(row.Long(7))));
            if (records.Count >= limit.Records || text.Bytes >= limit.Bytes)
            {
                break;
            }
        }

        return records;
    }

    private static long Position(int shardId, long shardSeq) => ((long)shardId << SqliteSchema.SeqBits) | shardSeq;
}
