using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.Sqlite;

namespace RagCluster.Kernel.Backup;

/// <summary>
/// Copies an embedded store to a folder, also while its node runs, and back into an empty data folder. First the
/// database, as it is at one moment; then the large blobs, which are written before the events that name them and never
/// change: so none that the database names is missing.
/// </summary>
public sealed class SqliteBackup(SqliteStoreOptions options, TimeProvider time)
{
    private const string Database = "store.db";

    private string Blobs => Path.Combine(options.Folder, "blobs");

    /// <summary>Reads the store into a new folder.</summary>
    /// <exception cref="StoreRefusedException">There is no store, or the folder is not empty.</exception>
    /// <exception cref="StoreException">The database could not be read, or the disk is full.</exception>
    public async Task<BackupManifest> WriteAsync(string folder, IProgress<BackupProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        if (!File.Exists(options.File))
        {
            throw new StoreRefusedException($"There is no store in \"{options.Folder}\".");
        }

        BackupFolder.Begin(folder);
        var made = time.GetUtcNow();
        var copy = Path.Combine(folder, Database + ".new");
        List<BackupShard> shards = [];
        int schema;
        using (var source = SqliteSession.Open(options.File, readOnly: true, options.BusyTimeout))
        {
            source.Execute($"VACUUM INTO '{copy.Replace("'", "''", StringComparison.Ordinal)}'");
        }

        using (var session = SqliteSession.Open(copy, readOnly: true, options.BusyTimeout))
        {
            schema = SqliteSchema.Version(session);
            using var rows = session.Use("SELECT entity_type, number, epoch, coalesce((SELECT max(position) & 1099511627775 FROM journal WHERE position >= shard.shard_id << 40 AND position < (shard.shard_id + 1) << 40), 0) FROM shard ORDER BY 1, 2");
            while (rows.Value.Step())
            {
                shards.Add(new BackupShard(rows.Value.Text(0), (int)rows.Value.Long(1), rows.Value.Long(2), rows.Value.Long(3)));
            }
        }

        long done = 0;
        List<BackupPart> parts = [];
        await using (var database = File.OpenRead(copy))
        {
            parts.Add(await BackupFolder.WriteAsync(folder, Database, database, bytes => progress?.Report(new BackupProgress(Database, done += bytes)), cancellationToken));
        }

        File.Delete(copy);
        if (Directory.Exists(Blobs))
        {
            foreach (var path in Directory.EnumerateFiles(Blobs, "*", SearchOption.AllDirectories).Where(path => BlobIds.IsValid(Path.GetFileName(path))).Order(StringComparer.Ordinal))
            {
                await using var blob = File.OpenRead(path);
                var part = await BackupFolder.WriteAsync(
                    folder, Path.GetRelativePath(options.Folder, path).Replace('\\', '/'), blob, bytes => progress?.Report(new BackupProgress("blobs", done += bytes)), cancellationToken);
                if (!Path.GetFileName(path).EndsWith(part.Sha256, StringComparison.Ordinal))
                {
                    throw new StoreException(StoreFailure.Corrupt, $"The blob \"{path}\" is damaged: its bytes are not those of its name. The backup is not complete.");
                }

                parts.Add(part);
            }
        }

        var manifest = new BackupManifest(BackupManifest.CurrentFormat, "sqlite", schema, made, ProgramVersion.Text, parts, shards);
        BackupFolder.Complete(folder, manifest);
        return manifest;
    }

    /// <summary>Copies a backup into a data folder that has no store, and compares every file.</summary>
    /// <exception cref="StoreRefusedException">The backup is not whole or of another engine, or there is data already.</exception>
    public async Task<BackupManifest> RestoreAsync(string folder, IProgress<BackupProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var manifest = await BackupFolder.VerifyAsync(folder, null, cancellationToken);
        if (manifest.Engine != "sqlite")
        {
            throw new StoreRefusedException($"The backup in \"{folder}\" is of a store on {manifest.Engine}: restore it there (store.engine = {manifest.Engine}).");
        }

        if (Directory.Exists(options.Folder) && Directory.EnumerateFileSystemEntries(options.Folder).Any())
        {
            throw new StoreRefusedException($"The data folder \"{options.Folder}\" is not empty, and nothing is restored over data: name another one with --data.");
        }

        // The database last: without it the folder is no store, and a restore that was cut short can be begun again.
        Directory.CreateDirectory(options.Folder);
        long done = 0;
        foreach (var part in manifest.Parts.OrderBy(part => part.File == Database))
        {
            await using var file = File.OpenRead(BackupFolder.PathOf(folder, part.File));
            var written = await BackupFolder.WriteAsync(options.Folder, part.File, file, bytes => progress?.Report(new BackupProgress(part.File, done += bytes)), cancellationToken);
            if (written != part)
            {
                throw new StoreException(StoreFailure.Corrupt, $"What was restored as \"{part.File}\" is not what the backup holds: the disk changed it. Delete \"{options.Folder}\" and look at the disk.");
            }
        }

        return manifest;
    }
}
