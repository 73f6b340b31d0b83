using Npgsql;
using NpgsqlTypes;

namespace RagCluster.Kernel.Journal.Postgres;

public sealed partial class PostgresShardStore
{
    public ValueTask<bool> SaveSnapshotAsync(int shardId, long epoch, Snapshot snapshot, CancellationToken cancellationToken = default) => _queries.OnceAsync(
        async connection => await WriteAsync(
            connection,
            """
            WITH f AS MATERIALIZED (SELECT shard_id, epoch FROM shard WHERE shard_id = $1 AND epoch = $2 FOR SHARE)
            INSERT INTO snapshot (shard_id, entity, seq, epoch, at, state, commands, attachment) SELECT shard_id, $3, $4, epoch, $5, $6, $7, $8 FROM f
            ON CONFLICT (shard_id, entity) DO UPDATE SET seq = excluded.seq, epoch = excluded.epoch, at = excluded.at, state = excluded.state,
                commands = excluded.commands, attachment = excluded.attachment
            """,
            Integer(shardId),
            Long(epoch),
            Text(snapshot.Entity),
            Long(snapshot.Seq),
            new NpgsqlParameter<DateTimeOffset> { TypedValue = DateTimeOffset.FromUnixTimeMilliseconds(snapshot.At.ToUnixTimeMilliseconds()) },
            Utf8(snapshot.State),
            Utf8(snapshot.Commands),
            new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = snapshot.Attachment, NpgsqlDbType = NpgsqlDbType.Bytea }) == 1,
        cancellationToken);

    public ValueTask<Snapshot?> LoadSnapshotAsync(int shardId, string entity, CancellationToken cancellationToken = default) => _recovery.RepeatableAsync(
        async (connection, token) =>
        {
            await using var command = new NpgsqlCommand("SELECT seq, state, commands, attachment, at FROM snapshot WHERE shard_id = $1 AND entity = $2", connection)
            {
                Parameters = { Integer(shardId), Text(entity) },
            };
            await command.PrepareAsync(token);
            await using var reader = await command.ExecuteReaderAsync(token);
            return await reader.ReadAsync(token)
                ? new Snapshot(
                    entity,
                    reader.GetInt64(0),
                    reader.GetFieldValue<ReadOnlyMemory<byte>>(1),
                    reader.GetFieldValue<ReadOnlyMemory<byte>>(2),
                    reader.GetFieldValue<ReadOnlyMemory<byte>>(3),
                    new DateTimeOffset(reader.GetDateTime(4)))
                : null;
        },
        cancellationToken);

    public async ValueTask DeleteSnapshotAsync(int shardId, string entity, CancellationToken cancellationToken = default) => await _queries.RepeatableAsync(
        (connection, _) => WriteAsync(connection, "DELETE FROM snapshot WHERE shard_id = $1 AND entity = $2", Integer(shardId), Text(entity)),
        cancellationToken);

    public ValueTask<IReadOnlyList<string>> ListRememberedAsync(int shardId, CancellationToken cancellationToken = default) => _recovery.RepeatableAsync<IReadOnlyList<string>>(
        async (connection, token) =>
        {
            await using var command = new NpgsqlCommand("SELECT entity FROM remembered WHERE shard_id = $1 ORDER BY entity", connection) { Parameters = { Integer(shardId) } };
            await using var reader = await command.ExecuteReaderAsync(token);
            var entities = new List<string>();
            while (await reader.ReadAsync(token))
            {
                entities.Add(reader.GetString(0));
            }

            return entities;
        },
        cancellationToken);

    public async ValueTask SaveBlobAsync(string id, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) => await Blobs.RepeatableAsync(
        (connection, _) => WriteAsync(
            connection,
            "INSERT INTO blob (id, length, content, created_at) VALUES ($1, $2, $3, clock_timestamp()) ON CONFLICT DO NOTHING",
            Text(id),
            Long(content.Length),
            new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = content, NpgsqlDbType = NpgsqlDbType.Bytea }),
        cancellationToken);

    public ValueTask<ReadOnlyMemory<byte>?> LoadBlobAsync(string id, CancellationToken cancellationToken = default) => Blobs.RepeatableAsync<ReadOnlyMemory<byte>?>(
        async (connection, token) =>
        {
            await using var command = new NpgsqlCommand("SELECT content FROM blob WHERE id = $1 AND content IS NOT NULL", connection) { Parameters = { Text(id) } };
            await using var reader = await command.ExecuteReaderAsync(token);
            return await reader.ReadAsync(token) ? reader.GetFieldValue<ReadOnlyMemory<byte>>(0) : (ReadOnlyMemory<byte>?)null;
        },
        cancellationToken);

    public ValueTask<long?> BlobLengthAsync(string id, CancellationToken cancellationToken = default) => Blobs.RepeatableAsync(
        (connection, _) => ScalarAsync<long?>(connection, "SELECT length FROM blob WHERE id = $1", Text(id)),
        cancellationToken);

    public ValueTask<bool> DeleteBlobAsync(string id, CancellationToken cancellationToken = default) => Blobs.OnceAsync(
        async connection => await ScalarAsync<long>(
            connection,
            "WITH b AS (DELETE FROM blob WHERE id = $1 RETURNING upload), c AS (DELETE FROM blob_chunk USING b WHERE blob_chunk.upload = b.upload) SELECT count(*) FROM b",
            Text(id)) == 1,
        cancellationToken);

    private static NpgsqlParameter<ReadOnlyMemory<byte>> Utf8(ReadOnlyMemory<byte> value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Text };
}
