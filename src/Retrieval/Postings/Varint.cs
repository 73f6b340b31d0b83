namespace RagCluster.Retrieval.Postings;

/// <summary>Whole numbers of seven bits a byte, the lowest first.</summary>
internal static class Varint
{
    /// <exception cref="InvalidDataException">The bytes end within the number, or it is beyond 32 bits.</exception>
    public static uint Read(ReadOnlySpan<byte> bytes, ref int at)
    {
        if ((uint)at < (uint)bytes.Length && bytes[at] < 0x80)
        {
            return bytes[at++];
        }

        var value = 0UL;
        for (var shift = 0; shift < 35; shift += 7)
        {
            var b = (uint)at < (uint)bytes.Length ? bytes[at++] : throw new InvalidDataException("It ends within a number.");
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80)
            {
                return value <= uint.MaxValue ? (uint)value : throw new InvalidDataException("A number is out of range.");
            }
        }

        throw new InvalidDataException("A number is too long.");
    }

}

/// <summary>
/// Positions and the gaps between them: below 192 in one byte, where seven bits would leave a fifth of them to two; up to
/// 16,319 in two; the rest as 255 and a <see cref="Varint"/>.
/// </summary>
internal static class PositionCode
{
    private const int OneByte = 192;
    private const int Long = 255;
    private const int TwoBytes = OneByte + ((Long - OneByte) << 8);

    public static void Write(ByteBuffer target, int value)
    {
        if (value < OneByte)
        {
            target.Byte((byte)value);
        }
        else if (value < TwoBytes)
        {
            target.Byte((byte)(OneByte + ((value - OneByte) >> 8)));
            target.Byte((byte)(value - OneByte));
        }
        else
        {
            target.Byte(Long);
            target.Number((uint)(value - TwoBytes));
        }
    }

    /// <exception cref="InvalidDataException">The bytes end within the number, or it is beyond 32 bits.</exception>
    public static uint Read(ReadOnlySpan<byte> bytes, ref int at)
    {
        var first = (uint)at < (uint)bytes.Length ? bytes[at++] : throw new InvalidDataException("It ends within a position.");
        if (first < OneByte)
        {
            return first;
        }

        if (first == Long)
        {
            var rest = Varint.Read(bytes, ref at);
            return rest <= int.MaxValue - TwoBytes ? TwoBytes + rest : throw new InvalidDataException("A position is out of range.");
        }

        var second = (uint)at < (uint)bytes.Length ? bytes[at++] : throw new InvalidDataException("It ends within a position.");
        return (uint)(OneByte + ((first - OneByte) << 8) + second);
    }

    /// <summary>Goes past so many.</summary>
    public static void Skip(ReadOnlySpan<byte> bytes, ref int at, int count)
    {
        for (; count > 0; count--)
        {
            var first = bytes[at++];
            if (first == Long)
            {
                Varint.Read(bytes, ref at);
            }
            else if (first >= OneByte)
            {
                at++;
            }
        }
    }
}

/// <summary>Bytes that grow, cheaper to append to than a stream.</summary>
internal sealed class ByteBuffer
{
    private byte[] _bytes = new byte[256];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public void Byte(byte value)
    {
        if (Length == _bytes.Length)
        {
            Grow(1);
        }

        _bytes[Length++] = value;
    }

    public void Number(uint value)
    {
        while (value >= 0x80)
        {
            Byte((byte)(value | 0x80));
            value >>= 7;
        }

        Byte((byte)value);
    }

    public void Bytes(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>Room for so many bytes, for the caller to fill.</summary>
    public Span<byte> Take(int count)
    {
        if (_bytes.Length - Length < count)
        {
            Grow(count);
        }

        Length += count;
        return _bytes.AsSpan(Length - count, count);
    }

    public byte[] ToArray(int zerosBehind = 0)
    {
        var array = new byte[Length + zerosBehind];
        Written.CopyTo(array);
        return array;
    }

    private void Grow(int count) => Array.Resize(ref _bytes, Math.Max(checked(Length + count), (int)Math.Min((long)_bytes.Length * 2, Array.MaxLength)));
}
