using System.Buffers;
using System.Security.Cryptography;
using Npgsql;
using NpgsqlTypes;
using RagCluster.Kernel.Blobs;

namespace RagCluster.Kernel.Journal.Postgres;

/// <summary>
/// Blobs of any size in the database, so that nodes need no disk in common. Small ones are rows; large ones are cut
/// into chunks, which become a blob in the statement that gives them its name. Memory holds one chunk at a time.
/// </summary>
/// <remarks>
/// What is read goes to a file of this node first, so that its name can be checked against all of its bytes before the
/// first is given out, and so that it can be sought in. An upload that never ended is swept by a later one.
/// </remarks>
public sealed class PostgresBlobStore : IBlobStore
{
    /// <summary>Up to this many bytes a blob is small.</summary>
    public const int SmallBytes = 64 * 1024;

    /// <summary>Of one chunk: each is a commit on its way in and a round trip on its way out.</summary>
    public const int ChunkBytes = 1 << 20;

    private static readonly TimeSpan SweepEvery = TimeSpan.FromHours(1);

    /// <summary>No upload takes this long.</summary>
    private static readonly TimeSpan AbandonedAfter = TimeSpan.FromDays(1);

    private readonly PostgresShardStore _store;
    private readonly TimeProvider _time;
    private readonly string _folder;
    private long _names;
    private long _sweptAt;

    /// <param name="folder">For what is being read; this node's own, made if missing, and emptied.</param>
    public PostgresBlobStore(PostgresShardStore store, string folder, IRuntime runtime)
    {
        _store = store;
        _time = runtime.Time;
        _folder = folder;
        _sweptAt = _time.GetTimestamp() - (long)(SweepEvery.TotalSeconds * _time.TimestampFrequency);
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }

        Directory.CreateDirectory(folder);
    }

    public async ValueTask<string> PutAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        var id = BlobIds.Of(content.Span);
        if (content.Length <= SmallBytes)
        {
            await _store.SaveBlobAsync(id, content, cancellationToken);
            return id;
        }

        if (await _store.BlobLengthAsync(id, cancellationToken) == content.Length)
        {
            return id;
        }

        var upload = await StartAsync(cancellationToken);
        for (var (start, ordinal) = (0, 0); start < content.Length; start += ChunkBytes, ordinal++)
        {
            await WriteAsync(upload, ordinal, content.Slice(start, Math.Min(ChunkBytes, content.Length - start)), cancellationToken);
        }

        await FinishAsync(upload, id, content.Length, cancellationToken);
        return id;
    }

    public async ValueTask<string> PutAsync(Stream content, long maxBytes, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        var buffer = ArrayPool<byte>.Shared.Rent(ChunkBytes);
        var length = await content.ReadAtLeastAsync(buffer.AsMemory(0, ChunkBytes), ChunkBytes, throwOnEndOfStream: false, cancellationToken);
        if (length > maxBytes)
        {
            throw new BlobTooLargeException(maxBytes);
        }

        var id = length < ChunkBytes
            ? await PutAsync(buffer.AsMemory(0, length), cancellationToken)
            : await PutLargeAsync(buffer, content, maxBytes, cancellationToken);

        // Only after success: whoever failed or was cancelled may still be writing from it.
        ArrayPool<byte>.Shared.Return(buffer);
        return id;
    }

    public async ValueTask<Stream> OpenAsync(string id, CancellationToken cancellationToken = default)
    {
        var (length, content, upload) = await FindAsync(BlobIds.Checked(id), cancellationToken) ?? throw new BlobMissingException(id);
        if (content is { } small)
        {
            return BlobIds.Of(small.Span) == id ? new MemoryStream(small.ToArray(), writable: false) : throw Damaged(id);
        }

        Stream stream = length <= ChunkBytes ? new MemoryStream((int)length) : NewFile();
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            for (var ordinal = 0; stream.Length < length; ordinal++)
            {
                var chunk = await ReadAsync(upload, ordinal, cancellationToken)
                    ?? throw (await _store.BlobLengthAsync(id, cancellationToken) is null ? new BlobMissingException(id) : Damaged(id));
                hash.AppendData(chunk.Span);
                await stream.WriteAsync(chunk, cancellationToken);
            }

            if (stream.Length != length || BlobIds.OfHash(hash.GetHashAndReset()) != id)
            {
                throw Damaged(id);
            }

            stream.Position = 0;
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    public async ValueTask<bool> ExistsAsync(string id, CancellationToken cancellationToken = default) => await LengthAsync(id, cancellationToken) is not null;

    public ValueTask<long?> LengthAsync(string id, CancellationToken cancellationToken = default) => _store.BlobLengthAsync(BlobIds.Checked(id), cancellationToken);

    public ValueTask<bool> DeleteAsync(string id, CancellationToken cancellationToken = default) => _store.DeleteBlobAsync(BlobIds.Checked(id), cancellationToken);

    /// <summary>Removes what uploads left behind that were never ended; gives how many.</summary>
    internal ValueTask<long> SweepAsync(TimeSpan olderThan, CancellationToken cancellationToken = default) => _store.Blobs.RepeatableAsync(
        (connection, _) => PostgresShardStore.ScalarAsync<long>(
            connection,
            """
            WITH u AS (DELETE FROM blob_upload WHERE started_at <= clock_timestamp() - $1 RETURNING upload),
            c AS (DELETE FROM blob_chunk USING u WHERE blob_chunk.upload = u.upload)
            SELECT count(*) FROM u
            """,
            new NpgsqlParameter<TimeSpan> { TypedValue = olderThan }),
        cancellationToken);

    private static BlobDamagedException Damaged(string id) => new($"The blob \"{id}\" is damaged in the database. Put a backup in place, or ingest the document again.");

    private async ValueTask<string> PutLargeAsync(byte[] buffer, Stream rest, long maxBytes, CancellationToken cancellationToken)
    {
        var upload = await StartAsync(cancellationToken);
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var chunk = buffer.AsMemory(0, ChunkBytes);
            long total = 0;
            for (var (read, ordinal) = (ChunkBytes, 0); read > 0; ordinal++)
            {
                total += read;
                if (total > maxBytes)
                {
                    throw new BlobTooLargeException(maxBytes);
                }

                hash.AppendData(buffer, 0, read);
                await WriteAsync(upload, ordinal, chunk[..read], cancellationToken);
                read = await rest.ReadAtLeastAsync(chunk, ChunkBytes, throwOnEndOfStream: false, cancellationToken);
            }

            var id = BlobIds.OfHash(hash.GetHashAndReset());
            await FinishAsync(upload, id, total, cancellationToken);
            return id;
        }
        catch (Exception e) when (e is BlobTooLargeException or OperationCanceledException or IOException)
        {
            // The source's fault and not the database's: it can be told to forget the rest.
            await DropAsync(upload);
            throw;
        }
    }

    private async ValueTask<long> StartAsync(CancellationToken cancellationToken)
    {
        var swept = Interlocked.Read(ref _sweptAt);
        if (_time.GetElapsedTime(swept) >= SweepEvery && Interlocked.CompareExchange(ref _sweptAt, _time.GetTimestamp(), swept) == swept)
        {
            await SweepAsync(AbandonedAfter, cancellationToken);
        }

        return await _store.Blobs.OnceAsync(
            connection => PostgresShardStore.ScalarAsync<long>(connection, "INSERT INTO blob_upload (started_at) VALUES (clock_timestamp()) RETURNING upload"), cancellationToken);
    }

    private async ValueTask WriteAsync(long upload, int ordinal, ReadOnlyMemory<byte> chunk, CancellationToken cancellationToken) => await _store.Blobs.RepeatableAsync(
        (connection, _) => PostgresShardStore.WriteAsync(
            connection,
            "INSERT INTO blob_chunk (upload, ordinal, content) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            new NpgsqlParameter<long> { TypedValue = upload },
            new NpgsqlParameter<int> { TypedValue = ordinal },
            new NpgsqlParameter<ReadOnlyMemory<byte>> { TypedValue = chunk, NpgsqlDbType = NpgsqlDbType.Bytea }),
        cancellationToken);

    /// <summary>Gives the chunks their name, unless there is such a blob: then they go.</summary>
    private async ValueTask FinishAsync(long upload, string id, long length, CancellationToken cancellationToken)
    {
        var outcome = await _store.Blobs.OnceAsync(
            connection => PostgresShardStore.ScalarAsync<string>(
                connection,
                """
                WITH u AS (DELETE FROM blob_upload WHERE upload = $1 RETURNING upload),
                b AS (INSERT INTO blob (id, length, upload, created_at) SELECT $2, $3, upload, clock_timestamp() FROM u ON CONFLICT DO NOTHING RETURNING id)
                SELECT CASE WHEN NOT EXISTS (SELECT FROM u) THEN 'swept' WHEN EXISTS (SELECT FROM b) THEN 'kept' ELSE 'there' END
                """,
                new NpgsqlParameter<long> { TypedValue = upload },
                new NpgsqlParameter<string> { TypedValue = id },
                new NpgsqlParameter<long> { TypedValue = length }),
            cancellationToken);
        if (outcome == "swept")
        {
            throw new StoreException($"The upload of blob \"{id}\" took longer than {AbandonedAfter} and was given up: put it again.");
        }

        if (outcome == "there")
        {
            await DropAsync(upload);
        }
    }

    private async ValueTask DropAsync(long upload) => await _store.Blobs.RepeatableAsync(
        (connection, _) => PostgresShardStore.ScalarAsync<long>(
            connection,
            "WITH u AS (DELETE FROM blob_upload WHERE upload = $1), c AS (DELETE FROM blob_chunk WHERE upload = $1 RETURNING 1) SELECT count(*) FROM c",
            new NpgsqlParameter<long> { TypedValue = upload }),
        CancellationToken.None);

    private ValueTask<(long Length, ReadOnlyMemory<byte>? Content, long Upload)?> FindAsync(string id, CancellationToken cancellationToken) =>
        _store.Blobs.RepeatableAsync<(long, ReadOnlyMemory<byte>?, long)?>(
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand("SELECT length, content, coalesce(upload, 0) FROM blob WHERE id = $1", connection)
                {
                    Parameters = { new NpgsqlParameter<string> { TypedValue = id } },
                };
                await command.PrepareAsync(token);
                await using var reader = await command.ExecuteReaderAsync(token);
                return await reader.ReadAsync(token)
                    ? (reader.GetInt64(0), await reader.IsDBNullAsync(1, token) ? (ReadOnlyMemory<byte>?)null : reader.GetFieldValue<ReadOnlyMemory<byte>>(1), reader.GetInt64(2))
                    : null;
            },
            cancellationToken);

    private ValueTask<ReadOnlyMemory<byte>?> ReadAsync(long upload, int ordinal, CancellationToken cancellationToken) =>
        _store.Blobs.RepeatableAsync<ReadOnlyMemory<byte>?>(
            async (connection, token) =>
            {
                await using var command = new NpgsqlCommand("SELECT content FROM blob_chunk WHERE upload = $1 AND ordinal = $2", connection)
                {
                    Parameters = { new NpgsqlParameter<long> { TypedValue = upload }, new NpgsqlParameter<int> { TypedValue = ordinal } },
                };
                await command.PrepareAsync(token);
                await using var reader = await command.ExecuteReaderAsync(token);
                return await reader.ReadAsync(token) ? reader.GetFieldValue<ReadOnlyMemory<byte>>(0) : (ReadOnlyMemory<byte>?)null;
            },
            cancellationToken);

    private FileStream NewFile() => new(
        Path.Combine(_folder, $"{Interlocked.Increment(ref _names)}"),
        new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.Delete,
            Options = FileOptions.Asynchronous | FileOptions.DeleteOnClose,
            BufferSize = 128 * 1024,
        });
}
