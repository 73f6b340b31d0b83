namespace RagCluster.Kernel.Journal.Sqlite;

public sealed partial class SqliteShardStore
{
    public ValueTask<bool> SaveSnapshotAsync(int shardId, long epoch, Snapshot snapshot, CancellationToken cancellationToken = default) =>
        Write(
            session =>
            {
                using var use = session.Use(
                    """
                    INSERT OR REPLACE INTO snapshot (shard_id, entity, seq, epoch, state, commands, attachment, at)
                    SELECT ?1, ?3, ?4, ?2, ?5, ?6, ?7, ?8 FROM shard WHERE shard_id = ?1 AND epoch = ?2
                    """);
                use.Value.Bind(1, shardId).Bind(2, epoch).Bind(3, snapshot.Entity).Bind(4, snapshot.Seq)
                    .BindText(5, snapshot.State.Span).BindText(6, snapshot.Commands.Span).BindBlob(7, snapshot.Attachment.Span)
                    .Bind(8, snapshot.At.ToUnixTimeMilliseconds()).Run();
                return session.Changes() == 1;
            },
            cancellationToken);

    public ValueTask<Snapshot?> LoadSnapshotAsync(int shardId, string entity, CancellationToken cancellationToken = default) =>
        _readers.ReadAsync(
            session =>
            {
                using var use = session.Use("SELECT seq, state, commands, attachment, at FROM snapshot WHERE shard_id = ?1 AND entity = ?2");
                var row = use.Value.Bind(1, shardId).Bind(2, entity);
                return row.Step()
                    ? new Snapshot(
                        entity,
                        row.Long(0),
                        row.Bytes(1).ToArray(),
                        row.Bytes(2).ToArray(),
                        row.Bytes(3).ToArray(),
                        DateTimeOffset.FromUnixTimeMilliseconds(row.Long(4)))
                    : null;
            },
            cancellationToken);

    public async ValueTask DeleteSnapshotAsync(int shardId, string entity, CancellationToken cancellationToken = default) =>
        await Write(
            session =>
            {
                using var use = session.Use("DELETE FROM snapshot WHERE shard_id = ?1 AND entity = ?2");
                use.Value.Bind(1, shardId).Bind(2, entity).Run();
                return true;
            },
            cancellationToken);

    public ValueTask<IReadOnlyList<string>> ListRememberedAsync(int shardId, CancellationToken cancellationToken = default) =>
        _readers.ReadAsync<IReadOnlyList<string>>(
            session =>
            {
                using var use = session.Use("SELECT entity FROM remembered WHERE shard_id = ?1 ORDER BY entity");
                var entities = new List<string>();
                for (var row = use.Value.Bind(1, shardId); row.Step();)
                {
                    entities.Add(row.Text(0));
                }

                return entities;
            },
            cancellationToken);

    public async ValueTask SaveBlobAsync(string id, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default) =>
        await Write(
            session =>
            {
                using var use = session.Use("INSERT OR IGNORE INTO blob (id, content) VALUES (?1, ?2)");
                use.Value.Bind(1, id).BindBlob(2, content.Span).Run();
                return true;
            },
            cancellationToken);

    public ValueTask<ReadOnlyMemory<byte>?> LoadBlobAsync(string id, CancellationToken cancellationToken = default) =>
        _readers.ReadAsync<ReadOnlyMemory<byte>?>(
            session =>
            {
                using var use = session.Use("SELECT content FROM blob WHERE id = ?1");
                return use.Value.Bind(1, id).Step() ? new ReadOnlyMemory<byte>(use.Value.Bytes(0).ToArray()) : (ReadOnlyMemory<byte>?)null;
            },
            cancellationToken);

    public ValueTask<long?> BlobLengthAsync(string id, CancellationToken cancellationToken = default) =>
        _readers.ReadAsync<long?>(
            session =>
            {
                using var use = session.Use("SELECT length(content) FROM blob WHERE id = ?1");
                return use.Value.Bind(1, id).Step() ? use.Value.Long(0) : null;
            },
            cancellationToken);

    public ValueTask<bool> DeleteBlobAsync(string id, CancellationToken cancellationToken = default) =>
        Write(
            session =>
            {
                using var use = session.Use("DELETE FROM blob WHERE id = ?1");
                use.Value.Bind(1, id).Run();
                return session.Changes() == 1;
            },
            cancellationToken);
}
