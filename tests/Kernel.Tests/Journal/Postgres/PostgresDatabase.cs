using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RagCluster.Kernel.Journal.Postgres;
using RagCluster.TestKit;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Kernel.Tests.Journal.Postgres;

/// <summary>A test's schema on a server, its store, and the means to get between the store's statements.</summary>
internal sealed class PostgresDatabase(PostgresServer server, string name, string schema)
{
    private static readonly ConcurrentDictionary<string, Lazy<Task<string>>> s_databases = new();
    private static int s_schemas;

    /// <summary>The advisory lock that appends wait for while a test holds it (<see cref="BlockAppendsAsync"/>).</summary>
    private const int Gate = 4711;

    public PostgresServer Server => server;

    public string Name => name;

    /// <summary>One database for each class of tests, whose tests follow each other; to make one takes longer than most tests.</summary>
    public static async Task<PostgresDatabase> CreateAsync([CallerFilePath] string tests = "")
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        var server = await PostgresServer.SharedAsync();
        var name = await s_databases.GetOrAdd(tests, _ => new(server.CreateDatabaseAsync)).Value;
        return new PostgresDatabase(server, name, $"test_{Interlocked.Increment(ref s_schemas)}");
    }

    /// <summary>Short limits, so that tests of waiting do not wait long.</summary>
    public PostgresStoreOptions Options => new()
    {
        Connection = server.ConnectionString(name),
        Schema = schema,
        LockTimeout = TimeSpan.FromMilliseconds(400),
        MinBackoff = TimeSpan.FromMilliseconds(20),
        MaxBackoff = TimeSpan.FromMilliseconds(100),
    };

    public Task<PostgresShardStore> OpenAsync(PostgresStoreOptions? options = null, CancellationToken cancellationToken = default) =>
        PostgresShardStore.OpenAsync(options ?? Options, SystemRuntime.Instance, NullLogger<PostgresShardStore>.Instance, cancellationToken);

    public Task<object?> ExecuteAsync(string sql) => server.ExecuteAsync($"SET search_path = {schema}; {sql}", name);

    public async Task<PostgresShardStore> OpenPatientAsync() => await OpenAsync(Options with { LockTimeout = TimeSpan.FromSeconds(10) });

    /// <summary>Makes each append wait, after it has its share locks and before it writes, until the gate is let go.</summary>
    public async Task<NpgsqlConnection> BlockAppendsAsync()
    {
        await ExecuteAsync(
            $"""
            CREATE OR REPLACE FUNCTION wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock_shared({Gate}); RETURN new; END';
            CREATE OR REPLACE TRIGGER gate BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION wait_at_gate()
            """);
        var holder = await ConnectAsync();
        await using var hold = new NpgsqlCommand($"SELECT pg_advisory_lock({Gate})", holder);
        await hold.ExecuteNonQueryAsync();
        return holder;
    }

    public async Task<NpgsqlConnection> ConnectAsync()
    {
        var connection = new NpgsqlConnection(server.SocketConnectionString(name) + $";Pooling=false;Search Path={schema}");
        await connection.OpenAsync();
        return connection;
    }

    /// <summary>Waits until a session of the store with this purpose waits for a lock.</summary>
    public Task WaitingAsync(string purpose) => Retry.Until(
        $"a statement of {purpose} waits for a lock",
        async () => await ExecuteAsync(
            $"SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE '% {purpose}' AND wait_event_type = 'Lock'") is > 0L);
}
