using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace RagCluster.Retrieval.Segments;

/// <summary>
/// Reads what a <see cref="SectionWriter"/> wrote. The checksum has been compared already; every length is checked all
/// the same, so that no bytes whatever can make a reader run outside the section or allocate more than it could hold.
/// </summary>
internal ref struct SectionReader(string file, Section section, ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _at;

    public readonly int Length => _bytes.Length;

    private readonly int Left => _bytes.Length - _at;

    public byte Byte() => Take(1)[0];

    public ulong Number()
    {
        var value = 0UL;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var b = _at < _bytes.Length ? _bytes[_at++] : throw Corrupt("It ends within a number.");
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value;
            }
        }

        throw Corrupt("A number is too long.");
    }

    /// <summary>A number from 0 to <paramref name="most"/>.</summary>
    public int Number(int most)
    {
        var value = Number();
        return value <= (ulong)most ? (int)value : throw Corrupt($"{value} stands where at most {most} can.");
    }

    /// <summary>How many items follow, each of at least one byte.</summary>
    public int Count() => Number(Left);

    public int Signed()
    {
        var value = Number();
        return value <= uint.MaxValue ? (int)((uint)value >> 1) ^ -(int)(value & 1) : throw Corrupt("A number is out of range.");
    }

    public uint Fixed() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public ReadOnlySpan<byte> Take(int length)
    {
        if (length < 0 || length > Left)
        {
            throw Corrupt($"{length} bytes are announced and {Left} are left.");
        }

        _at += length;
        return _bytes.Slice(_at - length, length);
    }

    public string Text()
    {
        var length = Signed();
        if (length == int.MinValue || (length < 0 && length % 2 != 0))
        {
            throw Corrupt("A text has an impossible length.");
        }

        var bytes = Take(Math.Abs(length));
        return length < 0 ? new string(MemoryMarshal.Cast<byte, char>(bytes)) : Encoding.UTF8.GetString(bytes);
    }

    public readonly void ExpectEnd()
    {
        if (Left > 0)
        {
            throw Corrupt($"{Left} bytes are left over.");
        }
    }

    public readonly SegmentCorruptException Corrupt(string what) => new(file, section.ToString(), what);
}
