using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace RagCluster.Retrieval.Segments;

/// <summary>Writes one section's bytes: little-endian, lengths and counts as variable-length integers.</summary>
internal sealed class SectionWriter(Section section)
{
    private readonly ArrayBufferWriter<byte> _buffer = new();

    public Section Section => section;

    public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    public int Length => _buffer.WrittenCount;

    public void Byte(byte value)
    {
        _buffer.GetSpan(1)[0] = value;
        _buffer.Advance(1);
    }

    /// <summary>Seven bits a byte, the lowest first.</summary>
    public void Number(ulong value)
    {
        var span = _buffer.GetSpan(10);
        var length = 0;
        while (value >= 0x80)
        {
            span[length++] = (byte)(value | 0x80);
            value >>= 7;
        }

        span[length++] = (byte)value;
        _buffer.Advance(length);
    }

    public void Number(int value) => Number(checked((uint)value));

    /// <summary>Small magnitudes of either sign stay short.</summary>
    public void Signed(int value) => Number((ulong)(uint)((value << 1) ^ (value >> 31)));

    public void Fixed(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer.GetSpan(4), value);
        _buffer.Advance(4);
    }

    public void Bytes(ReadOnlySpan<byte> bytes) => _buffer.Write(bytes);

    /// <summary>
    /// Appends a text's characters without their length, as UTF-8, or as UTF-16 where it is not valid Unicode and
    /// would not come back the same. The length in bytes, negative for UTF-16.
    /// </summary>
    public int Characters(string text)
    {
        var span = _buffer.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length));
        if (System.Text.Unicode.Utf8.FromUtf16(text, span, out _, out var written, replaceInvalidSequences: false) == OperationStatus.Done)
        {
            _buffer.Advance(written);
            return written;
        }

        var bytes = MemoryMarshal.AsBytes(text.AsSpan());
        Bytes(bytes);
        return -bytes.Length;
    }

    /// <summary>A text with its length before it.</summary>
    public void Text(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', '\u007F'))
        {
            Signed(text.Length);
            Characters(text);
            return;
        }

        var characters = new SectionWriter(section);
        Signed(characters.Characters(text));
        Bytes(characters.Written);
    }
}
