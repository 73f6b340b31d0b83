namespace RagCluster.Kernel.Blobs;

/// <summary>
/// Bytes under the name of what they are: "sha256-" and 64 lower-case hexadecimal digits. The same bytes have the same
/// name, so that putting is idempotent, and what is read back can be checked.
/// </summary>
public interface IBlobStore
{
    /// <summary>Durable when it returns.</summary>
    ValueTask<string> PutAsync(ReadOnlyMemory<byte> content, CancellationToken cancellationToken = default);

    /// <summary>Reads <paramref name="content"/> to its end. Durable when it returns.</summary>
    /// <param name="maxBytes">More than this is refused, and nothing of it is kept.</param>
    /// <exception cref="BlobTooLargeException">There are more bytes than <paramref name="maxBytes"/>.</exception>
    ValueTask<string> PutAsync(Stream content, long maxBytes, CancellationToken cancellationToken = default);

    /// <summary>A seekable stream over content whose name has been checked against its bytes.</summary>
    /// <exception cref="BlobMissingException">There is no such blob.</exception>
    /// <exception cref="BlobDamagedException">The bytes are not those that were put.</exception>
    ValueTask<Stream> OpenAsync(string id, CancellationToken cancellationToken = default);

    ValueTask<bool> ExistsAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>In bytes; null if there is no such blob.</summary>
    ValueTask<long?> LengthAsync(string id, CancellationToken cancellationToken = default);

    /// <summary>False if there was none.</summary>
    ValueTask<bool> DeleteAsync(string id, CancellationToken cancellationToken = default);
}

public sealed class BlobMissingException : Exception
{
    public BlobMissingException()
    {
    }

    public BlobMissingException(string id)
        : base($"There is no blob \"{id}\" in the store.")
    {
    }

    public BlobMissingException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

/// <summary>The disk gave back other bytes than were put.</summary>
public sealed class BlobDamagedException : Exception
{
    public BlobDamagedException()
    {
    }

    public BlobDamagedException(string message)
        : base(message)
    {
    }

    public BlobDamagedException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

public sealed class BlobTooLargeException : Exception
{
    public BlobTooLargeException()
    {
    }

    public BlobTooLargeException(string message)
        : base(message)
    {
    }

    public BlobTooLargeException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    public BlobTooLargeException(long maxBytes)
        : this($"The content has more than {maxBytes} bytes, which is the limit.")
    {
    }
}
