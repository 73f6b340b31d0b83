using System.Buffers.Binary;

namespace RagCluster.Ingestion.Isolation;

/// <summary>Length-prefixed messages between a node and its workers: four bytes, least significant first, then as many bytes.</summary>
internal static class Frames
{
    public static async Task WriteAsync(Stream to, ReadOnlyMemory<byte> frame, CancellationToken cancellation)
    {
        var prefix = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(prefix, frame.Length);
        await to.WriteAsync(prefix, cancellation);
        await to.WriteAsync(frame, cancellation);
    }

    /// <summary>The next message; null at the end of the stream.</summary>
    /// <exception cref="InvalidDataException">It is longer than <paramref name="limit"/>.</exception>
    /// <exception cref="EndOfStreamException">The stream ends in the middle of it.</exception>
    public static async Task<byte[]?> ReadAsync(Stream from, long limit, CancellationToken cancellation)
    {
        var prefix = new byte[4];
        var read = await from.ReadAtLeastAsync(prefix, 4, throwOnEndOfStream: false, cancellation);
        if (read == 0)
        {
            return null;
        }

        if (read < 4)
        {
            throw new EndOfStreamException("The stream ended within a message's length.");
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(prefix);
        if (length < 0 || length > limit)
        {
            throw new InvalidDataException($"A message of {length:N0} bytes was announced; at most {limit:N0} are taken.");
        }

        var frame = new byte[length];
        await from.ReadExactlyAsync(frame, cancellation);
        return frame;
    }
}
