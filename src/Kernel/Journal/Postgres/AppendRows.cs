using Npgsql;
using NpgsqlTypes;

namespace RagCluster.Kernel.Journal.Postgres;

/// <summary>The batches of one statement, turned into one array per column.</summary>
internal sealed class AppendRows
{
    /// <summary>
    /// f: the shards that still have the epoch, locked in the order of their ids, so that two appends never wait for
    /// each other in a circle. g: those of them whose log ends just before the batch; the events of the others are not
    /// inserted. That a row of an entity is already there shows in the unique index, and fails the statement.
    /// </summary>
    private const string Fence =
        """
        WITH b AS MATERIALIZED (SELECT * FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS b(shard_id, epoch, first)),
        f AS MATERIALIZED (SELECT s.shard_id, b.epoch, b.first FROM shard s JOIN b ON s.shard_id = b.shard_id AND s.epoch = b.epoch ORDER BY s.shard_id FOR SHARE OF s),
        g AS MATERIALIZED (SELECT f.shard_id, f.epoch,
            (f.first = 1 OR EXISTS (SELECT FROM journal j WHERE j.shard_id = f.shard_id AND j.shard_seq = f.first - 1))
            AND NOT EXISTS (SELECT FROM journal j WHERE j.shard_id = f.shard_id AND j.shard_seq = f.first) AS fits FROM f),
        i AS (INSERT INTO journal (shard_id, shard_seq, entity, seq, epoch, at, command_id, reply, payload)
            SELECT u.shard_id, u.shard_seq, u.entity, u.seq, g.epoch, u.at, u.command_id, u.reply, u.payload
            FROM unnest($4::int[], $5::bigint[], $6::text[], $7::bigint[], $8::timestamptz[], $9::text[], $10::text[], $11::text[])
                AS u(shard_id, shard_seq, entity, seq, at, command_id, reply, payload)
            JOIN g ON g.shard_id = u.shard_id AND g.fits)
        """;

    private const string Remember =
        """
        , r AS (INSERT INTO remembered (shard_id, entity) SELECT u.shard_id, u.entity FROM unnest($12::int[], $13::text[], $14::bool[]) AS u(shard_id, entity, remembered)
            JOIN g ON g.shard_id = u.shard_id AND g.fits WHERE u.remembered ON CONFLICT DO NOTHING),
        d AS (DELETE FROM remembered m USING unnest($12::int[], $13::text[], $14::bool[]) AS u(shard_id, entity, remembered), g
            WHERE g.shard_id = u.shard_id AND g.fits AND NOT u.remembered AND m.shard_id = u.shard_id AND m.entity = u.entity)
        """;

    private const string Answer = " SELECT shard_id, fits FROM g";

    private readonly int[] _shards;
    private readonly long[] _epochs;
    private readonly long[] _firsts;
    private readonly int[] _shardOf;
    private readonly long[] _shardSeqs;
    private readonly string[] _entities;
    private readonly long[] _seqs;
    private readonly DateTime[] _instants;
    private readonly string?[] _commands;
    private readonly ReadOnlyMemory<byte>?[] _replies;
    private readonly ReadOnlyMemory<byte>[] _payloads;
    private readonly List<(int ShardId, string Entity, bool Remembered)> _remembered = [];

    private AppendRows(int batches, int events)
    {
        _shards = new int[batches];
        _epochs = new long[batches];
        _firsts = new long[batches];
        _shardOf = new int[events];
        _shardSeqs = new long[events];
        _entities = new string[events];
        _seqs = new long[events];
        _instants = new DateTime[events];
        _commands = new string?[events];
        _replies = new ReadOnlyMemory<byte>?[events];
        _payloads = new ReadOnlyMemory<byte>[events];
    }

    public static AppendRows Of(IReadOnlyList<ShardBatch> batches)
    {
        var rows = new AppendRows(batches.Count, batches.Sum(batch => batch.Events.Count));
        var row = 0;
        for (var i = 0; i < batches.Count; i++)
        {
            var batch = batches[i];
            (rows._shards[i], rows._epochs[i], rows._firsts[i]) = (batch.ShardId, batch.Epoch, batch.FirstShardSeq);
            for (var n = 0; n < batch.Events.Count; n++)
            {
                rows.Add(row++, batch.ShardId, batch.FirstShardSeq + n, batch.Events[n]);
            }

            if (batch.Remembered.Count > 0)
            {
                // The last word on an entity counts; a statement's parts do not see each other's rows.
                rows._remembered.AddRange(batch.Remembered.GroupBy(change => change.Entity).Select(changes => (batch.ShardId, changes.Key, changes.Last().Remembered)));
            }
        }

        return rows;
    }

    public NpgsqlCommand Command(NpgsqlConnection connection)
    {
        var command = new NpgsqlCommand(_remembered.Count == 0 ? Fence + Answer : Fence + Remember + Answer, connection);
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = _shards });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = _epochs });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = _firsts });
        command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = _shardOf });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = _shardSeqs });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = _entities });
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = _seqs });
        command.Parameters.Add(new NpgsqlParameter<DateTime[]> { TypedValue = _instants, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz });
        command.Parameters.Add(new NpgsqlParameter<string?[]> { TypedValue = _commands, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>?[]> { TypedValue = _replies, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new NpgsqlParameter<ReadOnlyMemory<byte>[]> { TypedValue = _payloads, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        if (_remembered.Count > 0)
        {
            command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. _remembered.Select(change => change.ShardId)] });
            command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. _remembered.Select(change => change.Entity)] });
            command.Parameters.Add(new NpgsqlParameter<bool[]> { TypedValue = [.. _remembered.Select(change => change.Remembered)] });
        }

        return command;
    }

    private void Add(int row, int shardId, long shardSeq, in NewEvent e)
    {
        _shardOf[row] = shardId;
        _shardSeqs[row] = shardSeq;
        _entities[row] = e.Entity;
        _seqs[row] = e.Seq;

        // To the millisecond, as every engine keeps it.
        _instants[row] = DateTimeOffset.FromUnixTimeMilliseconds(e.At.ToUnixTimeMilliseconds()).UtcDateTime;
        _commands[row] = e.CommandId;
        _replies[row] = e.CommandId is null ? null : e.Reply;
        _payloads[row] = e.Payload;
    }
}
