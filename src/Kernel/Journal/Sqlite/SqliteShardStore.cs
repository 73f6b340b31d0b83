using System.Globalization;
using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Blobs;

namespace RagCluster.Kernel.Journal.Sqlite;

/// <summary>
/// The embedded engine: one process, one file, write-ahead log, synchronous=FULL (with NORMAL, a power cut was seen to
/// lose acknowledged writes). One connection writes, a pool of others reads.
/// </summary>
/// <remarks>
/// Fencing needs no lock here: there is one writer, so that what an append reads of the shard row still holds when it
/// commits. The folder's lock keeps other processes out.
/// </remarks>
public sealed partial class SqliteShardStore : IShardStore, IBlobTable
{
    private readonly SqliteSession _writing;
    private readonly SqliteWriter _writer;
    private readonly SqliteReaders _readers;
    private readonly DataFolderLock _lock;
    private readonly ILogger _logger;
    private bool _disposed;

    private SqliteShardStore(SqliteSession writing, SqliteReaders readers, DataFolderLock folderLock, IRuntime runtime, ILogger logger)
    {
        _writing = writing;
        _writer = new SqliteWriter(writing, runtime, logger);
        _readers = readers;
        _lock = folderLock;
        _logger = logger;
    }

    /// <exception cref="StoreRefusedException">In use, damaged, or of a newer program; the message says what to do.</exception>
    /// <exception cref="StoreException">The file cannot be opened or written.</exception>
    public static SqliteShardStore Open(SqliteStoreOptions options, IRuntime runtime, ILogger<SqliteShardStore> logger)
    {
        var folderLock = DataFolderLock.Acquire(options.Folder);
        try
        {
            var session = SqliteOpening.Open(options);
            LogOpened(logger, options.File, new FileInfo(options.File).Length);
            return new SqliteShardStore(session, new SqliteReaders(options), folderLock, runtime, logger);
        }
        catch
        {
            folderLock.Dispose();
            throw;
        }
    }

    public ValueTask<NodeIncarnation> JoinAsync(string node, CancellationToken cancellationToken = default) =>
        Write(
            session =>
            {
                using var use = session.Use(
                    """
                    INSERT INTO node (id, incarnation, state) VALUES (?1, 1, 'up')
                    ON CONFLICT (id) DO UPDATE SET incarnation = incarnation + 1, state = 'up', expires_at = NULL
                    RETURNING incarnation
                    """);
                use.Value.Bind(1, node).Step();
                return new NodeIncarnation(node, use.Value.Long(0));
            },
            cancellationToken);

    public ValueTask<bool> ChangeStateAsync(NodeIncarnation node, NodeState state, CancellationToken cancellationToken = default) =>
        Write(
            session =>
            {
                using var use = session.Use("UPDATE node SET state = ?3 WHERE id = ?1 AND incarnation = ?2 AND state IN ('up', 'draining')");
                use.Value.Bind(1, node.Node).Bind(2, node.Incarnation).Bind(3, Text(state)).Run();
                return session.Changes() == 1;
            },
            cancellationToken);

    public ValueTask<IReadOnlyList<NodeRow>> ListNodesAsync(CancellationToken cancellationToken = default) =>
        _readers.ReadAsync<IReadOnlyList<NodeRow>>(
            session =>
            {
                using var use = session.Use("SELECT id, incarnation, state, expires_at FROM node ORDER BY id");
                var rows = new List<NodeRow>();
                for (var row = use.Value; row.Step();)
                {
                    var expires = row.IsNull(3) ? (DateTimeOffset?)null : DateTimeOffset.FromUnixTimeMilliseconds(row.Long(3));
                    rows.Add(new NodeRow(row.Text(0), row.Long(1), Enum.Parse<NodeState>(row.Text(2), ignoreCase: true), expires));
                }

                return rows;
            },
            cancellationToken);

    public ValueTask<string> AgreeAsync(string setting, string value, bool replace, CancellationToken cancellationToken = default) =>
        Write(
            session =>
            {
                var key = "setting." + setting;
                using (var offer = session.Use("INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = ?2 WHERE ?3"))
                {
                    offer.Value.Bind(1, key).Bind(2, value).Bind(3, replace ? 1 : 0).Run();
                }

                using var holds = session.Use("SELECT value FROM meta WHERE key = ?1");
                holds.Value.Bind(1, key).Step();
                return holds.Value.Text(0);
            },
            cancellationToken);

    public ValueTask<IReadOnlyList<ShardRow>> PrepareShardsAsync(string entityType, int shards, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shards);
        return Write<IReadOnlyList<ShardRow>>(session => Shards(session, entityType, shards), cancellationToken);
    }

    public ValueTask<ShardRow> FindShardAsync(int shardId, CancellationToken cancellationToken = default) =>
        _readers.ReadAsync(
            session =>
            {
                using var use = session.Use("SELECT shard_id, number, owner, incarnation, epoch, entity_type FROM shard WHERE shard_id = ?1");
                return use.Value.Bind(1, shardId).Step()
                    ? Shard(use.Value, use.Value.Text(5))
                    : throw new StoreException($"There is no shard {shardId} in \"{session.File}\".");
            },
            cancellationToken);

    public ValueTask<long?> ClaimAsync(int shardId, long seenEpoch, NodeIncarnation owner, CancellationToken cancellationToken = default) =>
        Write<long?>(
            session =>
            {
                using var use = session.Use("UPDATE shard SET owner = ?3, incarnation = ?4, epoch = epoch + 1 WHERE shard_id = ?1 AND epoch = ?2");
                use.Value.Bind(1, shardId).Bind(2, seenEpoch).Bind(3, owner.Node).Bind(4, owner.Incarnation).Run();
                return session.Changes() == 1 ? seenEpoch + 1 : null;
            },
            cancellationToken);

    public ValueTask<bool> ReleaseAsync(int shardId, long epoch, CancellationToken cancellationToken = default) =>
        Write(
            session =>
            {
                using var use = session.Use("UPDATE shard SET owner = NULL, incarnation = NULL, epoch = epoch + 1 WHERE shard_id = ?1 AND epoch = ?2");
                use.Value.Bind(1, shardId).Bind(2, epoch).Run();
                return session.Changes() == 1;
            },
            cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        await _writer.CloseAsync();
        _readers.Dispose();
        try
        {
            _writing.Execute("PRAGMA wal_checkpoint(TRUNCATE)");
        }
        catch (StoreException e)
        {
            // Everything is in the write-ahead log; the next start folds it in.
            LogNotFolded(_logger, e);
        }

        _writing.Dispose();
        _lock.Dispose();
    }

    /// <summary>Lets the database grow to so many pages only, as a full disk would.</summary>
    internal async Task LimitPagesAsync(int pages) => await Write(
        session =>
        {
            session.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA max_page_count = {pages}"));
            return true;
        },
        CancellationToken.None);

    private static List<ShardRow> Shards(SqliteSession session, string entityType, int shards)
    {
        var key = "shards." + entityType;
        using (var frozen = session.Use("SELECT value FROM meta WHERE key = ?1"))
        {
            if (frozen.Value.Bind(1, key).Step() && frozen.Value.Text(0) is var count && count != shards.ToString(CultureInfo.InvariantCulture))
            {
                throw ShardCounts.Differ(entityType, count, shards);
            }
        }

        using (var freeze = session.Use("INSERT OR IGNORE INTO meta (key, value) VALUES (?1, ?2)"))
        {
            freeze.Value.Bind(1, key).Bind(2, shards.ToString(CultureInfo.InvariantCulture)).Run();
        }

        for (var number = 0; number < shards; number++)
        {
            using var create = session.Use("INSERT OR IGNORE INTO shard (entity_type, number, epoch) VALUES (?1, ?2, 0)");
            create.Value.Bind(1, entityType).Bind(2, number).Run();
        }

        using var select = session.Use("SELECT shard_id, number, owner, incarnation, epoch FROM shard WHERE entity_type = ?1 ORDER BY number");
        var rows = new List<ShardRow>(shards);
        for (var row = select.Value.Bind(1, entityType); row.Step();)
        {
            rows.Add(Shard(row, entityType));
        }

        return rows;
    }

    private static ShardRow Shard(SqliteStatement row, string entityType)
    {
        var owner = row.IsNull(2) ? (NodeIncarnation?)null : new NodeIncarnation(row.Text(2), row.Long(3));
        return new ShardRow((int)row.Long(0), entityType, (int)row.Long(1), owner, row.Long(4));
    }

    private ValueTask<T> Write<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken) =>
        new(_writer.RunAsync(work, unknown: null, cancellationToken));

    private static string Text(NodeState state) => state switch
    {
        NodeState.Up => "up",
        NodeState.Draining => "draining",
        NodeState.Dead => "dead",
        NodeState.Left => "left",
        _ => throw new ArgumentOutOfRangeException(nameof(state), state, "Not a state of a node."),
    };

    [LoggerMessage(2000, LogLevel.Information, "Opened the store {File} ({Bytes} bytes).")]
    private static partial void LogOpened(ILogger logger, string file, long bytes);

    [LoggerMessage(2001, LogLevel.Warning, "The write-ahead log could not be folded into the database; the next start does it.")]
    private static partial void LogNotFolded(ILogger logger, Exception reason);
}
