using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace RagCluster.Kernel.Transport.Handshakes;

/*
 * What is said before frames flow. This layout never changes, whatever the versions: a node of any version understands
 * another's hello well enough to refuse it politely.
 *
 *   'R' 'A' 'G' 'C' | kind (1 byte) | length (2 bytes) | fields: number (1 byte) | length (2 bytes) | value
 *
 * little-endian, text in UTF-8, at most 4 KiB in all. Unknown fields are skipped, missing ones are null.
 *
 *   opener:   Hello   { oldest and newest version, cluster, self, the peer it wants, nonce }
 *   accepter: Welcome { version, nonce }               or Refusal { code, text }
 *   opener:   Proof   { proof of the secret }
 *   accepter: Accept  { self, proof of the secret }    or Refusal
 *
 * An opener that wants nobody in particular only asks who is there: after Accept both close.
 */

internal enum HandshakeKind : byte
{
    Hello = 1,
    Welcome = 2,
    Proof = 3,
    Accept = 4,
    Refusal = 5,
}

internal enum HandshakeField : byte
{
    OldestVersion = 1,
    NewestVersion = 2,
    Cluster = 3,
    Node = 4,
    Incarnation = 5,
    Address = 6,
    WantedNode = 7,
    WantedIncarnation = 8,
    Nonce = 9,
    Proof = 10,
    RefusalCode = 11,
    RefusalText = 12,
}

/// <summary>Why a node takes no link. The numbers are on the wire.</summary>
internal enum RefusalCode : byte
{
    /// <summary>No protocol of ours, or one that broke its rules.</summary>
    Malformed = 1,
    Version = 2,
    Cluster = 3,
    Authentication = 4,

    /// <summary>Another node, or another incarnation, is at the address.</summary>
    NotThePeer = 5,
    OwnAddress = 6,

    /// <summary>The other end is held for dead here.</summary>
    Dead = 7,
    TooManyLinks = 8,
}

/// <summary>One message of the handshake, as its fields.</summary>
internal sealed class HandshakeMessage(HandshakeKind kind)
{
    public const int HeaderBytes = 7;

    public const int MaxBytes = 4096;

    private const int MaxText = 512;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly SortedDictionary<HandshakeField, byte[]> _fields = [];

    public HandshakeKind Kind => kind;

    private static ReadOnlySpan<byte> Magic => "RAGC"u8;

    /// <summary>Takes one message from the head of the buffer. False: there is not all of it yet.</summary>
    /// <exception cref="WireFormatException">It is none, or one too large. Said as soon as it is certain.</exception>
    public static bool TryRead(ref ReadOnlySequence<byte> buffer, out HandshakeMessage message, out ReadOnlySequence<byte> bytes)
    {
        (message, bytes) = (null!, default);
        Span<byte> header = stackalloc byte[HeaderBytes];
        var known = (int)Math.Min(buffer.Length, HeaderBytes);
        buffer.Slice(0, known).CopyTo(header);
        var magic = Math.Min(known, Magic.Length);
        if (!header[..magic].SequenceEqual(Magic[..magic]))
        {
            throw new Frames.WireFormatException(Foreign(header[..known]));
        }

        if (known < HeaderBytes)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt16LittleEndian(header[5..]);
        if (length > MaxBytes - HeaderBytes)
        {
            throw new Frames.WireFormatException($"a handshake of {length} bytes");
        }

        if (buffer.Length < HeaderBytes + length)
        {
            return false;
        }

        bytes = buffer.Slice(0, HeaderBytes + length);
        message = Parse((HandshakeKind)header[4], bytes.ToArray().AsSpan(HeaderBytes));
        buffer = buffer.Slice(bytes.End);
        return true;
    }

    public byte[] ToBytes()
    {
        var length = _fields.Sum(field => 3 + field.Value.Length);
        var bytes = new byte[HeaderBytes + length];
        if (bytes.Length > MaxBytes)
        {
            throw new InvalidOperationException($"A handshake of {bytes.Length} bytes; {MaxBytes} are allowed.");
        }

        Magic.CopyTo(bytes);
        bytes[4] = (byte)kind;
        BinaryPrimitives.WriteUInt16LittleEndian(bytes.AsSpan(5), (ushort)length);
        var rest = bytes.AsSpan(HeaderBytes);
        foreach (var (field, value) in _fields)
        {
            rest[0] = (byte)field;
            BinaryPrimitives.WriteUInt16LittleEndian(rest[1..], (ushort)value.Length);
            value.CopyTo(rest[3..]);
            rest = rest[(3 + value.Length)..];
        }

        return bytes;
    }

    public HandshakeMessage With(HandshakeField field, byte[] value)
    {
        _fields[field] = value;
        return this;
    }

    public HandshakeMessage With(HandshakeField field, string value)
    {
        var bytes = StrictUtf8.GetBytes(value);
        if (bytes.Length > MaxText)
        {
            throw new ArgumentException($"{field} \"{value}\" is {bytes.Length} bytes long; a handshake takes {MaxText}.");
        }

        return With(field, bytes);
    }

    public HandshakeMessage With(HandshakeField field, long value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return With(field, bytes);
    }

    public byte[]? Bytes(HandshakeField field) => _fields.GetValueOrDefault(field);

    public string Text(HandshakeField field)
    {
        var bytes = Bytes(field);
        if (bytes is null or { Length: > MaxText })
        {
            throw new Frames.WireFormatException($"a {kind} without a usable {field}");
        }

        try
        {
            var text = StrictUtf8.GetString(bytes);
            return text.Any(char.IsControl) ? throw new Frames.WireFormatException($"a {field} with control characters") : text;
        }
        catch (ArgumentException)
        {
            throw new Frames.WireFormatException($"a {field} that is not UTF-8");
        }
    }

    public long Number(HandshakeField field) =>
        Bytes(field) is { Length: 8 } bytes
            ? BinaryPrimitives.ReadInt64LittleEndian(bytes)
            : throw new Frames.WireFormatException($"a {kind} without a usable {field}");

    private static HandshakeMessage Parse(HandshakeKind kind, ReadOnlySpan<byte> body)
    {
        if (!Enum.IsDefined(kind))
        {
            throw new Frames.WireFormatException($"a handshake message of kind {(byte)kind}");
        }

        var message = new HandshakeMessage(kind);
        while (!body.IsEmpty)
        {
            if (body.Length < 3 || body.Length - 3 < BinaryPrimitives.ReadUInt16LittleEndian(body[1..]))
            {
                throw new Frames.WireFormatException($"a {kind} that ends within a field");
            }

            var length = BinaryPrimitives.ReadUInt16LittleEndian(body[1..]);
            if (!message._fields.TryAdd((HandshakeField)body[0], body.Slice(3, length).ToArray()))
            {
                throw new Frames.WireFormatException($"a {kind} that says field {body[0]} twice");
            }

            body = body[(3 + length)..];
        }

        return message;
    }

    private static string Foreign(ReadOnlySpan<byte> start)
    {
        if (start.Length >= 2 && start[0] == 0x16 && start[1] == 0x03)
        {
            return "a TLS handshake; this node's transport is configured without TLS";
        }

        var printable = true;
        foreach (var b in start)
        {
            printable &= b is >= 0x20 and < 0x7F;
        }

        return printable ? $"\"{Encoding.ASCII.GetString(start)}\", which is not RagCluster's protocol" : $"{Convert.ToHexString(start)}, which is not RagCluster's protocol";
    }
}
