using System.Globalization;
using Npgsql;

namespace RagCluster.Kernel.Journal.Postgres;

/// <summary>Parameters and answers of single statements.</summary>
public sealed partial class PostgresShardStore
{
    private const string ShardColumns = "shard_id, entity_type, number, owner, incarnation, epoch";

    private static string Invariant(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static NpgsqlParameter<string> Text(string value) => new() { TypedValue = value };

    private static NpgsqlParameter<int> Integer(int value) => new() { TypedValue = value };

    private static NpgsqlParameter<long> Long(long value) => new() { TypedValue = value };

    private static NpgsqlParameter<TimeSpan> Interval(TimeSpan value) => new() { TypedValue = value };

    /// <summary>How many rows it changed, once it is committed.</summary>
    internal static async Task<int> WriteAsync(NpgsqlConnection connection, string sql, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        await command.PrepareAsync();
        return await command.ExecuteNonQueryAsync();
    }

    /// <summary>The first column of the first row, once the statement is committed.</summary>
    internal static async Task<T?> ScalarAsync<T>(NpgsqlConnection connection, string sql, params NpgsqlParameter[] parameters)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        command.Parameters.AddRange(parameters);
        await command.PrepareAsync();
        await using var reader = await command.ExecuteReaderAsync();
        var value = await reader.ReadAsync() && !await reader.IsDBNullAsync(0) ? await reader.GetFieldValueAsync<T>(0) : default;
        await ToTheEndAsync(reader);
        return value;
    }

    /// <summary>
    /// Rows arrive before the commit: only the end of the answer says that it is durable. Closing the reader would also
    /// wait for the end, but keeps a timeout to itself.
    /// </summary>
    private static async Task ToTheEndAsync(NpgsqlDataReader reader)
    {
        while (await reader.NextResultAsync())
        {
            // Results that nobody asked about.
        }
    }

    /// <summary>
    /// Such as "canceling wait for synchronous replication": the statement ends well, and is durable on the primary
    /// alone. Told by severity, because the text depends on the server's language.
    /// </summary>
    private static bool IsWarning(NpgsqlNoticeEventArgs notice) => notice.Notice.InvariantSeverity == "WARNING";

    private static async Task<List<ShardRow>> ShardsAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var rows = new List<ShardRow>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var owner = await reader.IsDBNullAsync(3, cancellationToken) ? (NodeIncarnation?)null : new NodeIncarnation(reader.GetString(3), reader.GetInt64(4));
            rows.Add(new ShardRow(reader.GetInt32(0), reader.GetString(1), reader.GetInt32(2), owner, reader.GetInt64(5)));
        }

        return rows;
    }
}
