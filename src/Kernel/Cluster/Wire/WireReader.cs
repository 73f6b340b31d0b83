using System.Buffers;
using System.Text;

namespace RagCluster.Kernel.Cluster.Wire;

/// <summary>Reads what <see cref="WireWriter"/> wrote. What it reads may be anything: it throws rather than read beyond the header.</summary>
internal ref struct WireReader
{
    private readonly ReadOnlySequence<byte> _payload;
    private SequenceReader<byte> _header;

    /// <exception cref="InvalidDataException">It is no envelope.</exception>
    public WireReader(ReadOnlySequence<byte> message)
    {
        var reader = new SequenceReader<byte>(message);
        if (!reader.TryRead(out var kind) || !reader.TryRead(out var low) || !reader.TryRead(out var high) || reader.Remaining < (low | (high << 8)))
        {
            throw new InvalidDataException($"A message of {message.Length} bytes from another node is cut short.");
        }

        Kind = (WireKind)kind;
        var header = reader.UnreadSequence.Slice(0, low | (high << 8));
        _payload = reader.UnreadSequence.Slice(header.Length);
        _header = new SequenceReader<byte>(header);
    }

    public WireKind Kind { get; }

    /// <summary>What follows the header; valid as long as the message is.</summary>
    public readonly ReadOnlySequence<byte> Payload => _payload;

    public readonly bool AtEnd => _header.End;

    public byte Byte() => _header.TryRead(out var value) ? value : throw Short();

    public long Number()
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            if (!_header.TryRead(out var next))
            {
                throw Short();
            }

            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return (long)value;
            }
        }

        throw new InvalidDataException("A number in a message from another node has no end.");
    }

    public int Int32() => Number() is var value and >= 0 and <= int.MaxValue ? (int)value : throw new InvalidDataException("A number in a message from another node is out of range.");

    public string? OptionalText()
    {
        var length = Number();
        if (length == 0)
        {
            return null;
        }

        if (length < 0 || --length > _header.Remaining)
        {
            throw Short();
        }

        var bytes = _header.UnreadSequence.Slice(0, length);
        _header.Advance(length);
        return bytes.IsSingleSegment ? Encoding.UTF8.GetString(bytes.FirstSpan) : Encoding.UTF8.GetString(bytes.ToArray());
    }

    public string Text() => OptionalText() ?? throw new InvalidDataException("A text is missing in a message from another node.");

    private static InvalidDataException Short() => new("The header of a message from another node is cut short.");
}
