using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace RagCluster.Kernel.Journal.Postgres;

/// <summary>
/// Makes every new session safe before it is used: gives it its limits, and checks that the server behind it is a
/// primary, keeps what it acknowledges, and is still on the timeline that the store was last written on.
/// </summary>
/// <remarks>
/// 1. Limits (statement, lock, idle in transaction, keep-alive) are the session's own, so that a client that is paused
///    or gone holds no lock for long.
/// 2. synchronous_commit is read and then pinned: a later change of the server's configuration does not reach us.
/// 3. A standby that was promoted continues on a new timeline, perhaps without the last events that were acknowledged.
///    Owners that live through this know events that the log does not have. So the first session on a new timeline
///    raises every epoch, in one transaction, before any session is used: every owner is fenced and reads again. No
///    append can come before, because sessions do not survive a change of server and each new one passes here.
/// 4. A server on an older timeline than one that was seen is the old primary, which does not know that it is one.
/// </remarks>
internal sealed partial class PostgresSessions(PostgresStoreOptions options, ILogger log)
{
    private const int LeastServerVersion = 130000;

    private readonly Lock _gate = new();
    private Timeline? _newest;
    private string _name = "ragcluster";

    /// <summary>What the sessions call themselves from now on.</summary>
    public string Name
    {
        get => Volatile.Read(ref _name);
        set => Volatile.Write(ref _name, value);
    }

    /// <summary>A name of a life's sessions that fits into PostgreSQL's 63 bytes of ASCII, followed by a blank and the pool.</summary>
    public static string NameOf(NodeIncarnation node)
    {
        var name = node.Node.Length <= 32 && node.Node.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')
            ? node.Node
            : StableHash.Of(node.Node).ToString("x16", CultureInfo.InvariantCulture);
        return string.Create(CultureInfo.InvariantCulture, $"ragcluster {name}#{node.Incarnation}");
    }

    /// <exception cref="StoreException">The server must not be used, or not now.</exception>
    public async Task PrepareAsync(NpgsqlConnection connection, string pool, TimeSpan statementTimeout, bool checkTimeline)
    {
        var state = await ReadAsync(connection, pool, statementTimeout);
        Check(state);
        await PinAsync(connection, state.SynchronousCommit);
        if (checkTimeline && state.Timeline is { } timeline)
        {
            await CheckTimelineAsync(connection, timeline);
        }
    }

    /// <summary>Notes the server's timeline in a store that has none yet; answers a change of it as <see cref="PrepareAsync"/> does.</summary>
    public async Task EnterTimelineAsync(NpgsqlConnection connection)
    {
        await using var read = new NpgsqlCommand(TimelineSql, connection);
        if (await read.ExecuteScalarAsync() is not string text)
        {
            LogNoTimeline(log, options.Target);
            return;
        }

        await using (var insert = new NpgsqlCommand("INSERT INTO meta (key, value) VALUES ('timeline', $1) ON CONFLICT DO NOTHING", connection) { Parameters = { new() { Value = text } } })
        {
            await insert.ExecuteNonQueryAsync();
        }

        await CheckTimelineAsync(connection, Timeline.Parse(text));
    }

    /// <summary>The server's identity and its timeline, which is in the name of the file that it writes its log to.</summary>
    private const string TimelineSql =
        """
        SELECT CASE WHEN pg_is_in_recovery() OR NOT has_function_privilege('pg_control_system()', 'EXECUTE') THEN NULL ELSE
            (SELECT system_identifier FROM pg_control_system()) || '/' || ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int END
        """;

    private async Task<SessionState> ReadAsync(NpgsqlConnection connection, string pool, TimeSpan statementTimeout)
    {
        static string Milliseconds(TimeSpan time) => ((long)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture);
        (string Name, string Value)[] settings =
        [
            ("search_path", options.Schema),
            ("application_name", $"{Name} {pool}"),
            ("statement_timeout", Milliseconds(statementTimeout)),
            ("lock_timeout", Milliseconds(options.LockTimeout < statementTimeout ? options.LockTimeout : statementTimeout)),
            ("idle_in_transaction_session_timeout", Milliseconds(options.IdleInTransactionTimeout)),
            ("default_transaction_isolation", "read committed"),
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
            ("tcp_user_timeout", Milliseconds(statementTimeout + options.IdleInTransactionTimeout)),
            ("client_min_messages", "warning"),
            ("jit", "off"),
        ];
        await using var command = new NpgsqlCommand(
            $"""
            SELECT {string.Join(", ", settings.Select((_, i) => $"set_config('{settings[i].Name}', ${i + 1}, false)"))},
                   pg_is_in_recovery(), current_setting('synchronous_commit'), current_setting('fsync'), current_setting('full_page_writes'),
                   current_setting('server_encoding'), current_setting('server_version_num')::int, ({TimelineSql})
            """,
            connection);
        foreach (var (_, value) in settings)
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = value });
        }

        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        var at = settings.Length;
        return new SessionState(
            reader.GetBoolean(at),
            reader.GetString(at + 1),
            reader.GetString(at + 2) == "on",
            reader.GetString(at + 3) == "on",
            reader.GetString(at + 4),
            reader.GetInt32(at + 5),
            await reader.IsDBNullAsync(at + 6) ? null : Timeline.Parse(reader.GetString(at + 6)));
    }

    private void Check(SessionState state)
    {
        if (state.IsStandby)
        {
            throw new StoreRefusedException(
                $"The server at {options.Target} is a standby: name the primary, or all servers with \"Host=a,b;Target Session Attributes=primary\".");
        }

        if (state.SynchronousCommit == "off")
        {
            throw new StoreRefusedException(
                $"synchronous_commit is off for {options.Target}: the server acknowledges what a power cut then loses (3,837 of 103,276 events were lost in a test). " +
                "Set it to on, for the server, the database, the user or in the connection string, whichever switched it off.");
        }

        if (!state.Fsync && !options.AllowFsyncOff)
        {
            throw new StoreRefusedException($"The server at {options.Target} runs with fsync=off: a power cut can destroy the whole database. Set fsync=on and restart it.");
        }

        if (state.Encoding != "UTF8")
        {
            throw new StoreRefusedException($"The database at {options.Target} is encoded as {state.Encoding}: make one with \"CREATE DATABASE ... ENCODING 'UTF8'\".");
        }

        if (state.ServerVersion < LeastServerVersion)
        {
            throw new StoreRefusedException($"The server at {options.Target} has version {state.ServerVersion / 10000}: 13 is the oldest that the store's statements work on.");
        }

        if (state is { Fsync: true, FullPageWrites: false })
        {
            LogNoFullPages(log, options.Target);
        }
    }

    private static async Task PinAsync(NpgsqlConnection connection, string synchronousCommit)
    {
        await using var command = new NpgsqlCommand("SELECT set_config('synchronous_commit', $1, false)", connection) { Parameters = { new() { Value = synchronousCommit } } };
        await command.ExecuteScalarAsync();
    }

    private async Task CheckTimelineAsync(NpgsqlConnection connection, Timeline timeline)
    {
        lock (_gate)
        {
            if (_newest is { } newest && newest.System == timeline.System && timeline.Number < newest.Number)
            {
                throw new StoreException(
                    StoreFailure.Unreachable,
                    $"The server at {options.Target} is on timeline {timeline.Number}, and this node has seen {newest.Number}: it is a former primary that was not shut down. Stop it.");
            }

            if (_newest == timeline)
            {
                return;
            }
        }

        if (await EnterAsync(connection, timeline) is { } former)
        {
            LogFailover(log, options.Target, former, timeline.ToString());
        }

        lock (_gate)
        {
            _newest = timeline;
        }
    }

    /// <summary>Raises every epoch if the store was last written on another timeline, which it gives; else null.</summary>
    private static async Task<string?> EnterAsync(NpgsqlConnection connection, Timeline timeline)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        await using var move = new NpgsqlCommand(
            $"""
            SELECT pg_advisory_xact_lock({PostgresSchema.LockClass}, {PostgresSchema.SchemaLock})
            """,
            connection);
        await move.ExecuteNonQueryAsync();
        await using var read = new NpgsqlCommand("SELECT value FROM meta WHERE key = 'timeline'", connection);
        if (await read.ExecuteScalarAsync() is not string former || former == timeline.ToString())
        {
            return null;
        }

        await using var raise = new NpgsqlCommand(
            """
            WITH locked AS MATERIALIZED (SELECT shard_id FROM shard ORDER BY shard_id FOR UPDATE)
            UPDATE shard SET owner = NULL, incarnation = NULL, epoch = epoch + 1, changed_at = clock_timestamp() WHERE shard_id IN (SELECT shard_id FROM locked)
            """,
            connection);
        await raise.ExecuteNonQueryAsync();
        await using var note = new NpgsqlCommand("UPDATE meta SET value = $1 WHERE key = 'timeline'", connection) { Parameters = { new() { Value = timeline.ToString() } } };
        await note.ExecuteNonQueryAsync();
        await transaction.CommitAsync();
        return former;
    }

    private sealed record SessionState(bool IsStandby, string SynchronousCommit, bool Fsync, bool FullPageWrites, string Encoding, int ServerVersion, Timeline? Timeline);

    private sealed record Timeline(string System, int Number)
    {
        public static Timeline Parse(string text)
        {
            var parts = text.Split('/');
            return new Timeline(parts[0], int.Parse(parts[1], CultureInfo.InvariantCulture));
        }

        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{System}/{Number}");
    }

    [LoggerMessage(2010, LogLevel.Warning, "The database at {Target} was last written on server and timeline {Former} and is on {Now} now: a failover or a restore. Every shard gets a new epoch, and its owner reads it again.")]
    private static partial void LogFailover(ILogger log, string target, string former, string now);

    [LoggerMessage(2011, LogLevel.Warning, "The user of {Target} may not execute pg_control_system(): a failover to a standby cannot be noticed. Grant it, or restart all nodes after a failover.")]
    private static partial void LogNoTimeline(ILogger log, string target);

    [LoggerMessage(2012, LogLevel.Warning, "The server at {Target} runs with full_page_writes=off: a power cut can tear pages, unless its file system never does.")]
    private static partial void LogNoFullPages(ILogger log, string target);
}
