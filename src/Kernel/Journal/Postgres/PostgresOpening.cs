using System.Globalization;
using Npgsql;

namespace RagCluster.Kernel.Journal.Postgres;

/// <summary>The first connection to a store: whatever is wrong with the server, the tables or the rights is found here.</summary>
internal static class PostgresOpening
{
    /// <summary>Long, because another node may be at a migration.</summary>
    private static readonly TimeSpan MigrationTimeout = TimeSpan.FromMinutes(10);

    /// <summary>Gives the cluster's id.</summary>
    /// <exception cref="StoreException">The server cannot be reached just now.</exception>
    /// <exception cref="StoreRefusedException">Waiting would not help.</exception>
    public static async Task<string> OpenAsync(PostgresStoreOptions options, PostgresSessions sessions, CancellationToken cancellationToken)
    {
        var parsed = PostgresPool.ForSessions(options, MigrationTimeout);
        parsed.Pooling = false;
        try
        {
            await using var source = new NpgsqlDataSourceBuilder(parsed.ConnectionString).Build();
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await sessions.PrepareAsync(connection, "start", MigrationTimeout, checkTimeline: false);
            await using (var wait = new NpgsqlCommand("SELECT set_config('lock_timeout', '0', false)", connection))
            {
                await wait.ExecuteNonQueryAsync(cancellationToken);
            }

            await PostgresSchema.MigrateAsync(connection, options, cancellationToken);
            await PostgresSchema.CheckRightsAsync(connection, options, cancellationToken);
            await sessions.EnterTimelineAsync(connection);
            await NumberAsync(connection, options);
            return await ClusterAsync(connection, options);
        }
        catch (Exception e) when (PostgresErrors.IsFromServerOrConnection(e))
        {
            throw PostgresErrors.Exception(e, options);
        }
    }

    /// <summary>Shard ids carry the store's number: a store that is configured at another place would be taken for its neighbour.</summary>
    private static async Task NumberAsync(NpgsqlConnection connection, PostgresStoreOptions options)
    {
        var asked = options.Number.ToString(CultureInfo.InvariantCulture);
        if (await EnsureAsync(connection, "store_number", asked) is var written && written != asked)
        {
            throw new StoreRefusedException(
                $"The store at {options.Target} is number {written} of its cluster, and it is configured as number {asked}: keep the order of the stores, and add new ones at the end.");
        }
    }

    private static async Task<string> ClusterAsync(NpgsqlConnection connection, PostgresStoreOptions options)
    {
        var written = await EnsureAsync(connection, "cluster_id", options.Cluster);
        return options.Cluster is { } asked && written != asked
            ? throw new StoreRefusedException($"The store at {options.Target} belongs to the cluster {written}, and the first store to {asked}: name the stores of one cluster.")
            : written;
    }

    /// <summary>Writes the value if there is none, a random one where null is given; gives the one that is there.</summary>
    private static async Task<string> EnsureAsync(NpgsqlConnection connection, string key, string? value)
    {
        await using (var insert = new NpgsqlCommand(
            "INSERT INTO meta (key, value) VALUES ($1, coalesce($2, md5(random()::text || clock_timestamp()::text))) ON CONFLICT DO NOTHING", connection))
        {
            insert.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
            insert.Parameters.Add(new NpgsqlParameter<string?> { TypedValue = value });
            await insert.ExecuteNonQueryAsync();
        }

        await using var select = new NpgsqlCommand("SELECT value FROM meta WHERE key = $1", connection) { Parameters = { new NpgsqlParameter<string> { TypedValue = key } } };
        return (string)(await select.ExecuteScalarAsync())!;
    }
}
