using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace RagCluster.Kernel.Cluster.Wire;

/// <summary>
/// Writes an envelope: one byte kind, two bytes length of the header (little-endian), the header, then the payload up to
/// the end of the message. Readers skip what a newer version adds at the end of a header, so that fields can only be added.
/// </summary>
internal ref struct WireWriter
{
    public const int MaxVarint = 10;
    private const int Fixed = 3;

    private readonly IBufferWriter<byte> _output;
    private readonly Span<byte> _span;
    private int _at;

    /// <param name="most">The greatest length of the header, in bytes.</param>
    public WireWriter(IBufferWriter<byte> output, WireKind kind, int most)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(most, ushort.MaxValue);
        _output = output;
        _span = output.GetSpan(Fixed + most);
        _span[0] = (byte)kind;
        _at = Fixed;
    }

    /// <summary>The greatest length of a text in a header.</summary>
    public static int Most(string? text) => MaxVarint + Encoding.UTF8.GetMaxByteCount(text?.Length ?? 0);

    public void Byte(byte value) => _span[_at++] = value;

    public void Number(long value) => Number((ulong)value);

    public void Number(ulong value) => _at += WriteVarint(_span[_at..], value);

    /// <summary>Null and empty are told apart.</summary>
    public void Text(string? text)
    {
        if (text is null)
        {
            Number(0UL);
            return;
        }

        var length = Encoding.UTF8.GetByteCount(text);
        Number((ulong)length + 1);
        _at += Encoding.UTF8.GetBytes(text, _span[_at..]);
    }

    /// <summary>The header is complete; what follows goes to the output itself.</summary>
    public readonly void End()
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_span[1..], (ushort)(_at - Fixed));
        _output.Advance(_at);
    }

    public static int WriteVarint(Span<byte> to, ulong value)
    {
        var at = 0;
        while (value >= 0x80)
        {
            to[at++] = (byte)(value | 0x80);
            value >>= 7;
        }

        to[at++] = (byte)value;
        return at;
    }
}
