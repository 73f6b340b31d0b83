using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace RagCluster.Kernel.Journal.Postgres;

public sealed partial class PostgresShardStore
{
    private const string JournalColumns = "shard_seq, entity, seq, epoch, command_id, reply, payload, at";

    private const string Bytes = "(octet_length(payload) + coalesce(octet_length(reply), 0))";

    /// <summary>Of the first page: a guess on the large side, so that it is not too long.</summary>
    private const int UnknownRecordBytes = 16 * 1024;

    private const string OfShard = "shard_id = $1 AND shard_seq > $2 ORDER BY shard_seq";
    private const string OfEntity = "shard_id = $1 AND entity = $4 AND seq > $2 ORDER BY seq";

    /// <summary>Of a record of each shard, in bytes, as the last page had it: so many records are asked for as will fill the next.</summary>
    private readonly ConcurrentDictionary<int, int> _recordBytes = new();

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
        ReadAsync(shardId, OfEntity, records => [Integer(shardId), Long(afterSeq), Long(records), Text(entity)], limit, cancellationToken);

    public ValueTask<IReadOnlyList<JournalRecord>> ReadShardAsync(int shardId, long afterShardSeq, PageLimit limit, CancellationToken cancellationToken = default) =>
        ReadAsync(shardId, OfShard, records => [Integer(shardId), Long(afterShardSeq), Long(records)], limit, cancellationToken);

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

    /// <summary>
    /// How many records to ask for. They all cross the network, also those for which the page has no room, so this is
    /// kept to twice what would fill it. To let the server end the page by bytes, with a running sum, costs it more
    /// than reading the records.
    /// </summary>
    private long Records(int shardId, PageLimit limit) =>
        Math.Clamp(2L * limit.Bytes / _recordBytes.GetValueOrDefault(shardId, UnknownRecordBytes), 1, limit.Records);

    private ValueTask<IReadOnlyList<JournalRecord>> ReadAsync(
        int shardId, string condition, Func<long, NpgsqlParameter[]> parameters, PageLimit limit, CancellationToken cancellationToken) =>
        _recovery.RepeatableAsync<IReadOnlyList<JournalRecord>>(
            async (connection, token) =>
            {
                var asked = Records(shardId, limit);
                await using var command = new NpgsqlCommand($"SELECT {JournalColumns} FROM journal WHERE {condition} LIMIT $3", connection);
                command.Parameters.AddRange(parameters(asked));
                await command.PrepareAsync(token);
                await using var reader = await command.ExecuteReaderAsync(token);
                var (page, bytes) = await PageAsync(reader, limit, token);
                if (page.Count > 0)
                {
                    _recordBytes[shardId] = (int)Math.Max(1, bytes / page.Count);
                }

                return page;
            },
            cancellationToken);

    private static async Task<(List<JournalRecord> Page, long Bytes)> PageAsync(NpgsqlDataReader reader, PageLimit limit, CancellationToken cancellationToken)
    {
        var records = new List<JournalRecord>();
        var text = new PageText();
        var bytes = 0L;
        var entity = "";
        while (bytes < limit.Bytes && await reader.ReadAsync(cancellationToken))
        {
            var name = reader.GetFieldValue<byte[]>(1);
            if (!text.Same(name))
            {
                entity = text.Remember(name);
            }

            var isCommand = !reader.IsDBNull(4);
            var reply = isCommand ? reader.GetFieldValue<byte[]>(5) : [];
            var payload = reader.GetFieldValue<byte[]>(6);
            bytes += payload.Length + reply.Length;
            records.Add(new JournalRecord(
                reader.GetInt64(0),
                entity,
                reader.GetInt64(2),
                reader.GetInt64(3),
                isCommand ? reader.GetString(4) : null,
                reply,
                payload,
                new DateTimeOffset(reader.GetDateTime(7))));
        }

        return (records, bytes);
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
