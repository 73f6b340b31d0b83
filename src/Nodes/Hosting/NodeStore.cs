using RagCluster.Configuration.Options;
using RagCluster.Kernel;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.Postgres;
using RagCluster.Kernel.Journal.Sqlite;

namespace RagCluster.Nodes.Hosting;

/// <summary>Journal and blobs of a node, in its data folder or on a server that it shares with others.</summary>
/// <param name="IsFirstStart">Whether there was nothing before; unknown, and false, where the store is shared.</param>
internal sealed record NodeStore(IShardStore Journal, IBlobStore Blobs, bool IsFirstStart, IDisposable? FolderLock) : IAsyncDisposable
{
    /// <exception cref="StoreException">In use, damaged, of a newer program, or not to be reached; the message says what to do.</exception>
    public static async Task<NodeStore> OpenAsync(RagClusterOptions options, IRuntime runtime, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        if (options.Store.Engine == StoreEngine.Sqlite)
        {
            var sqlite = new SqliteStoreOptions
            {
                Folder = options.DataFolder,
                BusyTimeout = options.Store.Sqlite.BusyTimeout,
                CheckpointBytes = options.Store.Sqlite.WalCheckpoint.Bytes,
            };
            var isFirstStart = !File.Exists(sqlite.File);
            var file = SqliteShardStore.Open(sqlite, runtime, loggers.CreateLogger<SqliteShardStore>());
            return new NodeStore(file, new BlobStore(file, Path.Combine(options.DataFolder, "blobs"), runtime), isFirstStart, null);
        }

        // The store is elsewhere, but the index and the lists of this node are here.
        var folderLock = DataFolderLock.Acquire(options.DataFolder);
        try
        {
            var postgres = options.Store.Postgres;
            var servers = await PostgresStores.OpenAsync(OptionsMapping.Postgres(postgres), postgres.FurtherConnections, runtime, loggers, cancellationToken);
            return new NodeStore(servers.Store, new PostgresBlobStore(servers.First, Path.Combine(options.DataFolder, "blob-reads"), runtime), false, folderLock);
        }
        catch
        {
            folderLock.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Journal.DisposeAsync();
        FolderLock?.Dispose();
    }
}
