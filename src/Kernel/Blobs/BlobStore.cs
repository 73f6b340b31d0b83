using System.Buffers;
using System.Security.Cryptography;

namespace RagCluster.Kernel.Blobs;

/// <summary>
/// Small blobs go to the store's table, where thousands of them share a flush of the disk; large ones become files.
/// </summary>
public sealed class BlobStore : IBlobStore
{
    /// <summary>Up to this many bytes a blob is small.</summary>
    public const int SmallBytes = 64 * 1024;

    private readonly IBlobTable _table;
    private readonly BlobFiles _files;
    private readonly IRuntime _runtime;

    /// <param name="folder">Where the files are; made if missing.</param>
    public BlobStore(IBlobTable table, string folder, IRuntime runtime)
    {
        _table = table;
        _files = new BlobFiles(folder);
        _runtime = runtime;
    }

    public async ValueTask<string> PutAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default)
    {
        var id = BlobIds.Of(content.Span);
        if (content.Length <= SmallBytes)
        {
            await _table.SaveBlobAsync(id, content, cancellationToken);
            return id;
        }

        if (_files.Length(id) == content.Length)
        {
            return id;
        }

        var incoming = _files.CreateIncoming();
        try
        {
            await incoming.WriteAsync(content, cancellationToken);
            await KeepAsync(incoming, id);
        }
        catch
        {
            BlobFiles.Drop(incoming);
            throw;
        }

        return id;
    }

    public async ValueTask<string> PutAsync(Stream content, long maxBytes, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        var start = ArrayPool<byte>.Shared.Rent(SmallBytes + 1);
        var length = await content.ReadAtLeastAsync(start, SmallBytes + 1, throwOnEndOfStream: false, cancellationToken);
        if (length > maxBytes)
        {
            throw new BlobTooLargeException(maxBytes);
        }

        var id = length <= SmallBytes
            ? await PutAsync(start.AsMemory(0, length), cancellationToken)
            : await PutLargeAsync(start, length, content, maxBytes, cancellationToken);

        // Only after success: whoever failed or was cancelled may still be writing from it.
        ArrayPool<byte>.Shared.Return(start);
        return id;
    }

    public async ValueTask<Stream> OpenAsync(string id, CancellationToken cancellationToken = default)
    {
        BlobIds.Checked(id);
        if (await _table.LoadBlobAsync(id, cancellationToken) is { } small)
        {
            return BlobIds.Of(small.Span) == id
                ? new MemoryStream(small.ToArray(), writable: false)
                : throw new BlobDamagedException($"The blob \"{id}\" is damaged in the database. Put a backup in place, or ingest the document again.");
        }

        return await _files.OpenAsync(id, cancellationToken) ?? throw new BlobMissingException(id);
    }

    public async ValueTask<bool> ExistsAsync(string id, CancellationToken cancellationToken = default) => await LengthAsync(id, cancellationToken) is not null;

    public async ValueTask<long?> LengthAsync(string id, CancellationToken cancellationToken = default) =>
        await _table.BlobLengthAsync(BlobIds.Checked(id), cancellationToken) ?? _files.Length(id);

    public async ValueTask<bool> DeleteAsync(string id, CancellationToken cancellationToken = default) =>
        await _table.DeleteBlobAsync(BlobIds.Checked(id), cancellationToken) | _files.Delete(id);

    private async ValueTask<string> PutLargeAsync(byte[] buffer, int length, Stream rest, long maxBytes, CancellationToken cancellationToken)
    {
        var incoming = _files.CreateIncoming();
        try
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            long total = 0;
            for (var read = length; read > 0; read = await rest.ReadAsync(buffer, cancellationToken))
            {
                total += read;
                if (total > maxBytes)
                {
                    throw new BlobTooLargeException(maxBytes);
                }

                hash.AppendData(buffer, 0, read);
                await incoming.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
            }

            var id = BlobIds.OfHash(hash.GetHashAndReset());
            await KeepAsync(incoming, id);
            return id;
        }
        catch
        {
            BlobFiles.Drop(incoming);
            throw;
        }
    }

    /// <summary>Flushing waits for the disk: not on a caller's turn.</summary>
    private Task KeepAsync(FileStream incoming, string id) => _runtime.Run(() =>
    {
        _files.Keep(incoming, id);
        return Task.CompletedTask;
    });
}
