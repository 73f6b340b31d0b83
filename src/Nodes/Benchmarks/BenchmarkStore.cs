using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RagCluster.Kernel;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.Postgres;
using RagCluster.Kernel.Journal.Sqlite;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>The engine that the store benchmark measures: a fresh store for each round, opened several times, and removed.</summary>
internal abstract class BenchmarkStore
{
    public abstract string Engine { get; }

    /// <summary>How many statements the kernel sends at once.</summary>
    public virtual int Lanes => 1;

    /// <summary>How many shards are read at once.</summary>
    public virtual int Readers => Environment.ProcessorCount;

    public abstract Task<IShardStore> OpenAsync(string round, CancellationToken cancellationToken);

    public abstract Task RemoveAsync(string round, CancellationToken cancellationToken);
}

internal sealed class SqliteBenchmarkStore(TemporaryFolder folder) : BenchmarkStore
{
    private readonly Dictionary<string, string> _paths = [];

    public override string Engine => "SQLite, synchronous=FULL";

    public override Task<IShardStore> OpenAsync(string round, CancellationToken cancellationToken)
    {
        if (!_paths.TryGetValue(round, out var path))
        {
            _paths.Add(round, path = folder.New(round));
        }

        return Task.FromResult<IShardStore>(
            SqliteShardStore.Open(new SqliteStoreOptions { Folder = path }, SystemRuntime.Instance, NullLogger<SqliteShardStore>.Instance));
    }

    public override Task RemoveAsync(string round, CancellationToken cancellationToken)
    {
        Directory.Delete(_paths[round], recursive: true);
        return Task.CompletedTask;
    }
}

/// <summary>Each round has a schema of its own in the database, which the user must be allowed to make.</summary>
internal sealed class PostgresBenchmarkStore(string connection, int lanes) : BenchmarkStore
{
    private readonly string _prefix = string.Create(CultureInfo.InvariantCulture, $"ragcluster_bench_{Environment.ProcessId}_");

    public override string Engine => "PostgreSQL";

    public override int Lanes => lanes;

    /// <summary>As many as a node has connections for it.</summary>
    public override int Readers => new PostgresStoreOptions { Connection = connection }.RecoveryConnections;

    public override async Task<IShardStore> OpenAsync(string round, CancellationToken cancellationToken) => await PostgresShardStore.OpenAsync(
        new PostgresStoreOptions { Connection = connection, Schema = SchemaOf(round), Lanes = lanes },
        SystemRuntime.Instance,
        NullLogger<PostgresShardStore>.Instance,
        cancellationToken);

    public override async Task RemoveAsync(string round, CancellationToken cancellationToken)
    {
        await using var source = NpgsqlDataSource.Create(connection);

        // Its files are gone after the next checkpoint; without one, the next round would share the disk with this one's writes.
        foreach (var sql in new[] { $"DROP SCHEMA {SchemaOf(round)} CASCADE", "CHECKPOINT" })
        {
            await using var command = source.CreateCommand(sql);
            command.CommandTimeout = 60;
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private string SchemaOf(string round) => _prefix + round.Replace('-', '_');
}
