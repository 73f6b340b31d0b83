namespace RagCluster.Kernel.Blobs;

/// <summary>Where a store keeps small blobs: beside the journal, so that many of them share one flush of the disk.</summary>
public interface IBlobTable
{
    /// <summary>Durable when it returns. The same id again changes nothing.</summary>
    ValueTask SaveBlobAsync(string id, ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default);

    ValueTask<ReadOnlyMemory<byte>?> LoadBlobAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>In bytes; null if there is no such blob.</summary>
    ValueTask<long?> BlobLengthAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>False if there was none.</summary>
    ValueTask<bool> DeleteBlobAsync(string id, CancellationToken cancellationToken = default);
}
