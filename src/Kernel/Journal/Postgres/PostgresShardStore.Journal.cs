using Microsoft.Extensions.Logging;
using Npgsql;

namespace RagCluster.Kernel.Journal.Postgres;

public sealed partial class PostgresShardStore
{
    private const string JournalColumns = "shard_seq, entity, seq, epoch, command_id, reply, payload, at";

    private const string Bytes = "(octet_length(payload) + coalesce(octet_length(reply), 0))";

    /// <summary>
    /// Up to $3 records and $4 bytes, but one record at least. The server stops at the bytes, so that a page of large
    /// records does not cross the network to be thrown away; octet_length does not read what is stored out of line.
    /// (A window with EXCLUDE CURRENT ROW says it more simply, and sums anew for every row: 275 ms for a page.)
    /// </summary>
    private const string ReadShardSql =
        $"""
        SELECT {JournalColumns} FROM (
            SELECT {JournalColumns}, sum{Bytes} OVER (ORDER BY shard_seq ROWS UNBOUNDED PRECEDING) - {Bytes} AS before
            FROM (SELECT {JournalColumns} FROM journal WHERE shard_id = $1 AND shard_seq > $2 ORDER BY shard_seq LIMIT $3) r) p
        WHERE before < $4 ORDER BY shard_seq
        """;

    private const string ReadEntitySql =
        $"""
        SELECT {JournalColumns} FROM (
            SELECT {JournalColumns}, sum{Bytes} OVER (ORDER BY seq ROWS UNBOUNDED PRECEDING) - {Bytes} AS before
            FROM (SELECT {JournalColumns} FROM journal WHERE shard_id = $1 AND entity = $5 AND seq > $2 ORDER BY seq LIMIT $3) r) p
        WHERE before < $4 ORDER BY seq
        """;

    public async ValueTask<IReadOnlyList<AppendResult>> AppendAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken = default)
    {
        if (batches.Count == 0)
        {
            return [];
        }

        var rows = AppendRows.Of(batches);
        return await _lanes.SendAsync<IReadOnlyList<AppendResult>>(
            async connection =>
            {
                try
                {
                    return await AppendAsync(connection, rows, batches);
                }
                catch (PostgresException e) when (PostgresErrors.IsCertain(e) && PostgresErrors.IsAboutData(e) && (batches.Count > 1 || e.SqlState == PostgresErrors.UniqueViolation))
                {
                    // One of them, and the server does not say which: alone, each gets its own answer.
                    return Same(batches, AppendResult.Conflict);
                }
                catch (PostgresException e) when (PostgresErrors.IsCertain(e))
                {
                    throw PostgresErrors.Exception(e, _options);
                }
                catch (Exception e)
                {
                    // Whatever it is, the statement may have been sent.
                    LogUnknown(_log, e, batches.Count, _options.Target);
                    return Same(batches, AppendResult.Unknown);
                }
            },
            cancellationToken);
    }

    public ValueTask<long> LastShardSeqAsync(int shardId, CancellationToken cancellationToken = default) => _recovery.RepeatableAsync(
        (connection, _) => ScalarAsync<long>(connection, "SELECT shard_seq FROM journal WHERE shard_id = $1 ORDER BY shard_seq DESC LIMIT 1", Integer(shardId)),
        cancellationToken);

    public ValueTask<IReadOnlyList<JournalRecord>> ReadEntityAsync(int shardId, string entity, long afterSeq, PageLimit limit, CancellationToken cancellationToken = default) =>
        ReadAsync(ReadEntitySql, [Integer(shardId), Long(afterSeq), Long(limit.Records), Long(limit.Bytes), Text(entity)], limit, cancellationToken);

    public ValueTask<IReadOnlyList<JournalRecord>> ReadShardAsync(int shardId, long afterShardSeq, PageLimit limit, CancellationToken cancellationToken = default) =>
        ReadAsync(ReadShardSql, [Integer(shardId), Long(afterShardSeq), Long(limit.Records), Long(limit.Bytes)], limit, cancellationToken);

    private async Task<AppendResult[]> AppendAsync(NpgsqlConnection connection, AppendRows rows, IReadOnlyList<ShardBatch> batches)
    {
        await using var command = rows.Command(connection);
        var fits = new Dictionary<int, bool>(batches.Count);
        var warned = false;
        connection.Notice += Warned;
        try
        {
            await command.PrepareAsync();
            await using var reader = await command.ExecuteReaderAsync();
            while (await reader.ReadAsync())
            {
                fits.Add(reader.GetInt32(0), reader.GetBoolean(1));
            }

            await ToTheEndAsync(reader);
        }
        finally
        {
            connection.Notice -= Warned;
        }

        if (warned)
        {
            LogNotConfirmed(_log, batches.Count, _options.Target);
            return Same(batches, AppendResult.Unknown);
        }

        var results = new AppendResult[batches.Count];
        for (var i = 0; i < results.Length; i++)
        {
            results[i] = !fits.TryGetValue(batches[i].ShardId, out var fit) ? AppendResult.Fenced
                : fit ? AppendResult.Committed
                : AppendResult.Conflict;
        }

        return results;

        void Warned(object sender, NpgsqlNoticeEventArgs notice) => warned |= IsWarning(notice);
    }

    private ValueTask<IReadOnlyList<JournalRecord>> ReadAsync(string sql, NpgsqlParameter[] parameters, PageLimit limit, CancellationToken cancellationToken) =>
        _recovery.RepeatableAsync<IReadOnlyList<JournalRecord>>(
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand(sql, connection);

                // A second attempt has another command, and a parameter belongs to one.
                command.Parameters.AddRange(Array.ConvertAll(parameters, parameter => parameter.Clone()));
                await command.PrepareAsync(token);
                await using var reader = await command.ExecuteReaderAsync(token);
                return await PageAsync(reader, limit, token);
            },
            cancellationToken);

    private static async Task<List<JournalRecord>> PageAsync(NpgsqlDataReader reader, PageLimit limit, CancellationToken cancellationToken)
    {
        var records = new List<JournalRecord>(Math.Min(limit.Records, 1024));
        var text = new PageText();
        var entity = "";
        while (await reader.ReadAsync(cancellationToken))
        {
            var name = reader.GetFieldValue<byte[]>(1);
            if (!text.Same(name))
            {
                entity = text.Remember(name);
            }

            var isCommand = !await reader.IsDBNullAsync(4, cancellationToken);
            records.Add(new JournalRecord(
                reader.GetInt64(0),
                entity,
                reader.GetInt64(2),
                reader.GetInt64(3),
                isCommand ? reader.GetString(4) : null,
                isCommand ? reader.GetFieldValue<ReadOnlyMemory<byte>>(5) : ReadOnlyMemory<byte>.Empty,
                reader.GetFieldValue<ReadOnlyMemory<byte>>(6),
                new DateTimeOffset(reader.GetDateTime(7))));
        }

        return records;
    }

    private static AppendResult[] Same(IReadOnlyList<ShardBatch> batches, AppendResult result)
    {
        var results = new AppendResult[batches.Count];
        Array.Fill(results, result);
        return results;
    }

    [LoggerMessage(2023, LogLevel.Warning, "The outcome of a statement with {Batches} batches at {Target} is not known.")]
    private static partial void LogUnknown(ILogger log, Exception reason, int batches, string target);

    [LoggerMessage(2024, LogLevel.Warning, "The standby of {Target} did not confirm a statement with {Batches} batches; they are asked about again.")]
    private static partial void LogNotConfirmed(ILogger log, int batches, string target);
}
