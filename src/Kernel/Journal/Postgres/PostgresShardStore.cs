using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Entities;

namespace RagCluster.Kernel.Journal.Postgres;

/// <summary>
/// The engine of a cluster: PostgreSQL, or what speaks its protocol and has its row locks. Every write is one
/// statement that commits by itself, so that a paused or dead node holds no lock beyond it.
/// </summary>
/// <remarks>
/// <para>Fencing: an append takes a share lock on the rows of its shards while they still have the epoch that it was
/// sent with; a claim changes the row. So a claim waits for an append that came first, and an append that comes after
/// a claim finds another epoch and inserts nothing. A plain read of the epoch, or FOR KEY SHARE, would let an append
/// land after the new owner has read.</para>
/// <para>A claim, release, snapshot or change of state whose connection breaks throws, and may have taken effect:
/// the caller reads the row again.</para>
/// </remarks>
public sealed partial class PostgresShardStore : IClusterStore, IBlobTable
{
    /// <summary>What one receive takes up from a log that is read: a page is some hundred KB, and each receive costs a wake-up.</summary>
    private const int RecoveryReadBytes = 64 * 1024;

    private readonly PostgresStoreOptions _options;
    private readonly PostgresSessions _sessions;
    private readonly ILogger _log;
    private readonly PostgresPool _lease;
    private readonly PostgresPool _lanes;
    private readonly PostgresPool _recovery;
    private readonly PostgresPool _queries;
    private bool _disposed;

    private PostgresShardStore(PostgresStoreOptions options, PostgresSessions sessions, string clusterId, TimeProvider time, ILogger log)
    {
        _options = options;
        _sessions = sessions;
        _log = log;
        ClusterId = clusterId;
        _lease = Pool("lease", 1, options.LeaseTimeout);
        _lanes = Pool("append", options.Lanes, options.StatementTimeout);
        _recovery = Pool("recovery", options.RecoveryConnections, options.StatementTimeout, RecoveryReadBytes);
        _queries = Pool("query", options.QueryConnections, options.StatementTimeout);
        Blobs = Pool("blob", options.BlobConnections, options.StatementTimeout);

        PostgresPool Pool(string name, int size, TimeSpan statementTimeout, int readBytes = 8 * 1024) =>
            new(options, sessions, name, size, statementTimeout, time, readBytes) { Broken = RenewConnections };
    }

    /// <summary>Drawn when the first store of the cluster was made; its further stores carry the same.</summary>
    public string ClusterId { get; }

    public PostgresStoreOptions Options => _options;

    internal PostgresPool Blobs { get; }

    /// <summary>
    /// Waits, with growing pauses, until the server can be reached; makes or upgrades the tables; and checks that this
    /// server may be trusted with acknowledged events.
    /// </summary>
    /// <exception cref="StoreRefusedException">Waiting would not help; the message says what does.</exception>
    public static async Task<PostgresShardStore> OpenAsync(
        PostgresStoreOptions options, IRuntime runtime, ILogger<PostgresShardStore> log, CancellationToken cancellationToken = default)
    {
        options.Validated();
        var backoff = new Backoff(options.MinBackoff, options.MaxBackoff, runtime.Random);
        var start = runtime.Time.GetTimestamp();
        while (true)
        {
            try
            {
                var sessions = new PostgresSessions(options, log);
                var clusterId = await PostgresOpening.OpenAsync(options, sessions, cancellationToken);
                LogOpened(log, options.Target, options.Schema, PostgresSchema.Version);
                return new PostgresShardStore(options, sessions, clusterId, runtime.Time, log);
            }
            catch (StoreException e) when (e is not StoreRefusedException)
            {
                var wait = backoff.Next();
                LogWaiting(log, e.Message, runtime.Time.GetElapsedTime(start).TotalSeconds, wait.TotalSeconds);
                await Task.Delay(wait, runtime.Time, cancellationToken);
            }
        }
    }

    public ValueTask<string> AgreeAsync(string setting, string value, bool replace, CancellationToken cancellationToken = default) => _queries.RepeatableAsync(
        async (connection, _) =>
        {
            await WriteAsync(
                connection,
                "INSERT INTO meta (key, value) VALUES ('setting.' || $1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value WHERE $3",
                Text(setting),
                Text(value),
                new NpgsqlParameter<bool> { TypedValue = replace });
            return (await ScalarAsync<string>(connection, "SELECT value FROM meta WHERE key = 'setting.' || $1", Text(setting)))!;
        },
        cancellationToken);

    public ValueTask<IReadOnlyList<ShardRow>> PrepareShardsAsync(string entityType, int shards, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(shards);
        return PrepareShardsAsync(entityType, shards, [.. Enumerable.Range(0, shards)], cancellationToken);
    }

    public ValueTask<IReadOnlyList<ShardRow>> PrepareShardsAsync(
        string entityType, int shards, IReadOnlyList<int> numbers, CancellationToken cancellationToken = default) => _queries.RepeatableAsync<IReadOnlyList<ShardRow>>(
        async (connection, token) =>
        {
            // Several statements in one go: each sees what was committed before the lock was given.
            await using var batch = new NpgsqlBatch(connection)
            {
                BatchCommands =
                {
                    new($"SELECT pg_advisory_xact_lock({PostgresSchema.LockClass}, {PostgresSchema.SchemaLock})"),
                    new("INSERT INTO meta (key, value) VALUES ('shards.' || $1, $2) ON CONFLICT DO NOTHING") { Parameters = { Text(entityType), Text(Invariant(shards)) } },
                    new(
                        """
                        INSERT INTO shard (entity_type, number, epoch, changed_at) SELECT $1, n, 0, clock_timestamp() FROM unnest($2) WITH ORDINALITY AS w(n, o)
                        WHERE (SELECT value FROM meta WHERE key = 'shards.' || $1) = $3 AND NOT EXISTS (SELECT FROM shard WHERE entity_type = $1) ORDER BY o
                        """) { Parameters = { Text(entityType), new() { Value = numbers.ToArray() }, Text(Invariant(shards)) } },
                    new("SELECT value FROM meta WHERE key = 'shards.' || $1") { Parameters = { Text(entityType) } },
                    new($"SELECT {ShardColumns} FROM shard WHERE entity_type = $1 ORDER BY number") { Parameters = { Text(entityType) } },
                },
            };
            await using var reader = await batch.ExecuteReaderAsync(token);
            await reader.NextResultAsync(token);
            await reader.ReadAsync(token);
            var frozen = reader.GetString(0);
            await reader.NextResultAsync(token);
            var rows = await ShardsAsync(reader, token);
            if (frozen != Invariant(shards))
            {
                throw ShardCounts.Differ(entityType, frozen, shards);
            }

            return rows.Select(row => row.Number).SequenceEqual(numbers.Order())
                ? rows
                : throw new StoreRefusedException(
                    $"The store at {_options.Target} has other shards of \"{entityType}\" than the configured stores give it: configure the same stores in the same order as when the data was made.");
        },
        cancellationToken);

    public ValueTask<IReadOnlyList<ShardRow>> ListShardsAsync(CancellationToken cancellationToken = default) => _queries.RepeatableAsync<IReadOnlyList<ShardRow>>(
        async (connection, token) =>
        {
            await using var command = new NpgsqlCommand($"SELECT {ShardColumns} FROM shard ORDER BY shard_id", connection);
            await using var reader = await command.ExecuteReaderAsync(token);
            return await ShardsAsync(reader, token);
        },
        cancellationToken);

    public ValueTask<ShardRow> FindShardAsync(int shardId, CancellationToken cancellationToken = default) => _queries.RepeatableAsync(
        async (connection, token) =>
        {
            await using var command = new NpgsqlCommand($"SELECT {ShardColumns} FROM shard WHERE shard_id = $1", connection) { Parameters = { Integer(shardId) } };
            await using var reader = await command.ExecuteReaderAsync(token);
            var rows = await ShardsAsync(reader, token);
            return rows.Count == 1 ? rows[0] : throw new StoreException($"There is no shard {shardId} in the store at {_options.Target}.");
        },
        cancellationToken);

    public async ValueTask<long?> ClaimAsync(int shardId, long seenEpoch, NodeIncarnation owner, CancellationToken cancellationToken = default)
    {
        try
        {
            return await ClaimOnceAsync(shardId, seenEpoch, owner, cancellationToken);
        }
        catch (StoreException e) when (e.InnerException is PostgresException { SqlState: PostgresErrors.LockNotAvailable })
        {
            // Somebody's append or claim has held the row for long. If its sender is dead, nobody waits for it.
            if (await EndSessionsOfDeadOwnerAsync(shardId, cancellationToken) == 0)
            {
                throw;
            }

            return await ClaimOnceAsync(shardId, seenEpoch, owner, cancellationToken);
        }
    }

    public ValueTask<bool> ReleaseAsync(int shardId, long epoch, CancellationToken cancellationToken = default) => _queries.OnceAsync(
        async connection => await WriteAsync(
            connection,
            "UPDATE shard SET owner = NULL, incarnation = NULL, epoch = epoch + 1, changed_at = clock_timestamp() WHERE shard_id = $1 AND epoch = $2",
            Integer(shardId),
            Long(epoch)) == 1,
        cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        foreach (var pool in Pools())
        {
            await pool.DisposeAsync();
        }
    }

    /// <summary>
    /// The row is locked first, and only then is it seen whether the claimer may: a claim that has waited for the lock
    /// must not count by what was true when it began to wait.
    /// </summary>
    private ValueTask<long?> ClaimOnceAsync(int shardId, long seenEpoch, NodeIncarnation owner, CancellationToken cancellationToken) => _queries.OnceAsync<long?>(
        async connection =>
        {
            await using var batch = new NpgsqlBatch(connection)
            {
                BatchCommands =
                {
                    new("SELECT FROM shard WHERE shard_id = $1 AND epoch = $2 FOR NO KEY UPDATE") { Parameters = { Integer(shardId), Long(seenEpoch) } },
                    new(
                        """
                        UPDATE shard s SET owner = $3, incarnation = $4, epoch = s.epoch + 1, changed_at = clock_timestamp() FROM node n
                        WHERE s.shard_id = $1 AND s.epoch = $2 AND n.id = $3 AND n.incarnation = $4 AND (n.expires_at IS NULL OR n.expires_at > clock_timestamp())
                          AND (n.state = 'up' OR (n.state = 'draining' AND s.owner = $3 AND s.incarnation = $4))
                        RETURNING s.epoch
                        """) { Parameters = { Integer(shardId), Long(seenEpoch), Text(owner.Node), Long(owner.Incarnation) } },
                },
            };
            var warned = false;
            connection.Notice += Warned;
            try
            {
                await using var reader = await batch.ExecuteReaderAsync();
                await reader.NextResultAsync();
                var epoch = await reader.ReadAsync() ? reader.GetInt64(0) : (long?)null;
                await ToTheEndAsync(reader);
                return warned
                    ? throw new StoreException(StoreFailure.Unreachable, $"The standby of {_options.Target} did not confirm a claim of shard {shardId}: whether it holds is not known.")
                    : epoch;
            }
            finally
            {
                connection.Notice -= Warned;
            }

            void Warned(object sender, NpgsqlNoticeEventArgs notice) => warned |= IsWarning(notice);
        },
        cancellationToken);

    /// <summary>The last resort: a statement of a dead incarnation that still holds its shard is ended by the server.</summary>
    private async ValueTask<int> EndSessionsOfDeadOwnerAsync(int shardId, CancellationToken cancellationToken)
    {
        var owner = (await FindShardAsync(shardId, cancellationToken)).Owner;
        if (owner is not { } former || (await ListNodesAsync(cancellationToken)).Any(
            row => row.Node == former.Node && row.Incarnation == former.Incarnation && row.State is not (NodeState.Dead or NodeState.Left)))
        {
            return 0;
        }

        var name = PostgresSessions.NameOf(former);
        var ended = await _queries.OnceAsync(
            async connection => await ScalarAsync<long>(
                connection,
                """
                SELECT count(*) FROM (
                    SELECT pg_terminate_backend(pid) AS ended FROM pg_stat_activity
                    WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() AND left(application_name, length($1) + 1) = $1 || ' ') t
                WHERE ended
                """,
                Text(name)),
            cancellationToken);
        if (ended > 0)
        {
            LogEnded(_log, ended, former.ToString(), shardId);
        }

        return (int)ended;
    }

    private void RenewConnections()
    {
        foreach (var pool in Pools())
        {
            pool.Renew();
        }
    }

    private IEnumerable<PostgresPool> Pools() => [_lease, _lanes, _recovery, _queries, Blobs];

    [LoggerMessage(2020, LogLevel.Information, "Opened the store at {Target}, schema {Schema}, version {Version}.")]
    private static partial void LogOpened(ILogger log, string target, string schema, int version);

    [LoggerMessage(2021, LogLevel.Warning, "{Reason} Waited {Waited:0} s so far; trying again in {Wait:0.0} s.")]
    private static partial void LogWaiting(ILogger log, string reason, double waited, double wait);

    [LoggerMessage(2022, LogLevel.Warning, "Ended {Sessions} database sessions of {Node}, which is dead and still held shard {ShardId}.")]
    private static partial void LogEnded(ILogger log, long sessions, string node, int shardId);
}
