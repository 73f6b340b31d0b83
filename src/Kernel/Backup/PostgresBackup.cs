using System.Globalization;
using System.Security.Cryptography;
using Npgsql;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.Postgres;

namespace RagCluster.Kernel.Backup;

/// <summary>
/// Copies a store on PostgreSQL to a folder while nodes work on it, and back into an empty one. All tables are read in
/// one transaction that sees one moment, so what the copy holds is what a node would have found then: logs, snapshots,
/// open work and blobs that fit each other. Members are not copied: who is one is not state.
/// </summary>
/// <param name="options">Of the one server; several servers have no moment in common.</param>
public sealed class PostgresBackup(PostgresStoreOptions options, TimeProvider time)
{
    // In the order in which they are read and written; ordered rows make equal tables equal files.
    private static readonly (string Table, string Columns, string Order)[] s_tables =
    [
        ("shard", "shard_id, entity_type, number, epoch, changed_at", "shard_id"),
        ("journal", "shard_id, shard_seq, entity, seq, epoch, at, command_id, reply, payload", "shard_id, shard_seq"),
        ("snapshot", "shard_id, entity, seq, epoch, at, state, commands, attachment", "shard_id, entity"),
        ("remembered", "shard_id, entity", "shard_id, entity"),
        ("blob_upload", "upload, started_at", "upload"),
        ("blob_chunk", "upload, ordinal, content", "upload, ordinal"),
        ("blob", "id, length, content, upload, created_at", "id"),
    ];

    /// <summary>Reads the store into a new folder.</summary>
    /// <exception cref="StoreRefusedException">The folder is not empty, or the database holds no store.</exception>
    /// <exception cref="StoreException">The server could not be read; the message says why. The folder has no manifest then, and is no backup.</exception>
    public async Task<BackupManifest> WriteAsync(string folder, IProgress<BackupProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        BackupFolder.Begin(folder);
        var made = time.GetUtcNow();
        return await ConnectedAsync(async connection =>
        {
            if (await ScalarAsync(connection, $"SELECT to_regclass('{options.Schema}.meta') IS NOT NULL", cancellationToken) is not true)
            {
                throw new StoreRefusedException($"The database at {options.Target} holds no store in the schema {options.Schema}.");
            }

            await using var moment = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
            await ExecuteAsync(connection, "SET TRANSACTION READ ONLY", cancellationToken);
            var schema = int.Parse((string)(await ScalarAsync(connection, $"SELECT value FROM {options.Schema}.meta WHERE key = 'schema_version'", cancellationToken))!, CultureInfo.InvariantCulture);
            var parts = new List<BackupPart>();
            long done = 0;
            foreach (var (table, columns, order) in s_tables)
            {
                await using var rows = await connection.BeginRawBinaryCopyAsync(CopyOut(table, columns, order), cancellationToken);
                parts.Add(await BackupFolder.WriteAsync(folder, $"tables/{table}.copy", rows, bytes => progress?.Report(new BackupProgress(table, done += bytes)), cancellationToken));
            }

            var shards = await ShardsAsync(connection, cancellationToken);
            var manifest = new BackupManifest(BackupManifest.CurrentFormat, "postgres", schema, made, ProgramVersion.Text, parts, shards);
            BackupFolder.Complete(folder, manifest);
            return manifest;
        });
    }

    /// <summary>
    /// Writes a backup into a database without a store, and compares what is there then with the backup, byte for byte.
    /// All or nothing: it is one transaction. Every epoch is raised, so that a node of old that is still somewhere about
    /// can write nothing.
    /// </summary>
    /// <exception cref="StoreRefusedException">The backup is not whole or of another engine, or there is data already.</exception>
    /// <exception cref="StoreException">The server could not be written to; the message says why.</exception>
    public async Task<BackupManifest> RestoreAsync(string folder, IProgress<BackupProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var manifest = await BackupFolder.VerifyAsync(folder, null, cancellationToken);
        if (manifest.Engine != "postgres")
        {
            throw new StoreRefusedException($"The backup in \"{folder}\" is of an embedded store ({manifest.Engine}): restore it to a data folder (store.engine = sqlite).");
        }

        if (manifest.Schema > PostgresSchema.Version)
        {
            throw new StoreRefusedException($"The backup in \"{folder}\" has tables of version {manifest.Schema}, and this program knows versions up to {PostgresSchema.Version}: restore it with the program that made it ({manifest.Program}).");
        }

        return await ConnectedAsync(async connection =>
        {
            await PostgresSchema.MigrateAsync(connection, options, cancellationToken);
            await using var all = await connection.BeginTransactionAsync(cancellationToken);
            await ExecuteAsync(connection, $"LOCK TABLE {options.Schema}.shard, {options.Schema}.node IN ACCESS EXCLUSIVE MODE", cancellationToken);
            foreach (var table in s_tables.Select(known => known.Table).Append("node"))
            {
                if (await ScalarAsync(connection, $"SELECT EXISTS (SELECT 1 FROM {options.Schema}.{table})", cancellationToken) is true)
                {
                    throw new StoreRefusedException($"The database at {options.Target} holds a store with data already (table {options.Schema}.{table}), and nothing is restored over data: name an empty database, or another store.postgres.schema.");
                }
            }

            long done = 0;
            foreach (var (table, columns, _) in s_tables)
            {
                await using var rows = await connection.BeginRawBinaryCopyAsync($"COPY {options.Schema}.{table} ({columns}) FROM STDIN (FORMAT BINARY)", cancellationToken);
                await using var file = File.OpenRead(BackupFolder.PathOf(folder, $"tables/{table}.copy"));
                var buffer = new byte[1 << 20];
                for (int read; (read = await file.ReadAsync(buffer, cancellationToken)) > 0;)
                {
                    await rows.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                    progress?.Report(new BackupProgress(table, done += read));
                }
            }

            foreach (var (table, columns, order) in s_tables)
            {
                await using var rows = await connection.BeginRawBinaryCopyAsync(CopyOut(table, columns, order), cancellationToken);
                var part = manifest.Parts.Single(known => known.File == $"tables/{table}.copy");
                if (Convert.ToHexStringLower(await SHA256.HashDataAsync(rows, cancellationToken)) != part.Sha256)
                {
                    throw new StoreException($"What was restored to {options.Target} is not what the backup holds: table {table} differs. Nothing was kept.");
                }

                progress?.Report(new BackupProgress($"{table}, compared", done));
            }

            await ExecuteAsync(
                connection,
                $"""
                UPDATE {options.Schema}.shard SET epoch = epoch + 1, changed_at = clock_timestamp();
                SELECT setval(pg_get_serial_sequence('{options.Schema}.shard', 'shard_id'), greatest(1, (SELECT max(shard_id) FROM {options.Schema}.shard)));
                SELECT setval(pg_get_serial_sequence('{options.Schema}.blob_upload', 'upload'), greatest(1, (SELECT max(upload) FROM {options.Schema}.blob_upload)));
                """,
                cancellationToken);
            await all.CommitAsync(cancellationToken);
            await ExecuteAsync(connection, $"ANALYZE {string.Join(", ", s_tables.Select(known => $"{options.Schema}.{known.Table}"))}", cancellationToken);
            return manifest;
        });
    }

    private string CopyOut(string table, string columns, string order) => $"COPY (SELECT {columns} FROM {options.Schema}.{table} ORDER BY {order}) TO STDOUT (FORMAT BINARY)";

    private async Task<List<BackupShard>> ShardsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            $"SELECT s.entity_type, s.number, s.epoch, coalesce((SELECT max(shard_seq) FROM {options.Schema}.journal j WHERE j.shard_id = s.shard_id), 0) FROM {options.Schema}.shard s ORDER BY 1, 2", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var shards = new List<BackupShard>();
        while (await reader.ReadAsync(cancellationToken))
        {
            shards.Add(new BackupShard(reader.GetString(0), reader.GetInt32(1), reader.GetInt64(2), reader.GetInt64(3)));
        }

        return shards;
    }

    private async Task<T> ConnectedAsync<T>(Func<NpgsqlConnection, Task<T>> work)
    {
        var parsed = PostgresPool.ForSessions(options, TimeSpan.FromHours(24));
        parsed.Pooling = false;
        parsed.SearchPath = options.Schema;
        try
        {
            await using var source = new NpgsqlDataSourceBuilder(parsed.ConnectionString).Build();
            await using var connection = await source.OpenConnectionAsync();
            return await work(connection);
        }
        catch (Exception e) when (PostgresErrors.IsFromServerOrConnection(e))
        {
            throw PostgresErrors.Exception(e, options);
        }
    }

    private static async Task<object?> ScalarAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellationToken);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
