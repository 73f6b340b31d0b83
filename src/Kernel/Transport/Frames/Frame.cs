using System.Buffers;

namespace RagCluster.Kernel.Transport.Frames;

/*
 * What flows on a link once its handshake is done, in both directions, little-endian:
 *
 *   kind (1 byte) | length of the payload (3 bytes) | payload
 *
 *   1  Message       one whole message
 *   2  First         the first part of an ordinary message: its total length (4 bytes), then bytes
 *   3  More          the next part; the message is complete when the total is reached
 *   4  FirstBulk     as First and More, of the bulk lane: its parts come between the frames of the ordinary one
 *   5  MoreBulk
 *   6  Heartbeat     empty
 *   7  Goodbye       the reason in UTF-8; nothing follows
 *   128..255         of later versions; to be skipped by those who do not know them
 *
 * Messages flow from the opener of a link only; the other way there are heartbeats and a goodbye.
 */

internal enum FrameKind : byte
{
    Message = 1,
    First = 2,
    More = 3,
    FirstBulk = 4,
    MoreBulk = 5,
    Heartbeat = 6,
    Goodbye = 7,
    FirstSkippable = 128,
}

/// <summary>What a reader gives out: a message (put together if it came in parts), a heartbeat or a goodbye.</summary>
internal readonly record struct Frame(FrameKind Kind, ReadOnlySequence<byte> Payload);

internal static class FrameFormat
{
    public const int HeaderBytes = 4;

    /// <summary>The total length at the head of a first part.</summary>
    public const int TotalBytes = 4;

    /// <summary>Bytes of a message in one frame, at most. At 1 Gbit/s a small message waits half a millisecond for a part.</summary>
    public const int PartBytes = 64 << 10;

    public const int MaxPayloadBytes = PartBytes + TotalBytes;

    public static void WriteHeader(Span<byte> header, FrameKind kind, int length)
    {
        header[0] = (byte)kind;
        header[1] = (byte)length;
        header[2] = (byte)(length >> 8);
        header[3] = (byte)(length >> 16);
    }

    public static (FrameKind Kind, int Length) ReadHeader(ReadOnlySpan<byte> header) =>
        ((FrameKind)header[0], header[1] | (header[2] << 8) | (header[3] << 16));
}

/// <summary>The other end sent what its protocol does not allow.</summary>
internal sealed class WireFormatException(string message) : Exception(message);
