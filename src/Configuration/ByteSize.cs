using System.Globalization;

namespace RagCluster.Configuration;

/// <summary>A number of bytes, written in HOCON as <c>64KiB</c> (1024) or <c>64kB</c> (1000).</summary>
public readonly record struct ByteSize(long Bytes) : IComparable<ByteSize>, IComparable
{
    private static readonly string[] Units = ["B", "KiB", "MiB", "GiB", "TiB"];

    public static implicit operator long(ByteSize size) => size.Bytes;

    public long ToInt64() => Bytes;

    public static ByteSize KiB(long count) => new(count * 1024);

    public static ByteSize MiB(long count) => new(count * 1024 * 1024);

    public int CompareTo(ByteSize other) => Bytes.CompareTo(other.Bytes);

    public int CompareTo(object? obj) => obj is ByteSize other ? CompareTo(other) : throw new ArgumentException("Not a size.", nameof(obj));

    public static bool operator <(ByteSize a, ByteSize b) => a.Bytes < b.Bytes;

    public static bool operator >(ByteSize a, ByteSize b) => a.Bytes > b.Bytes;

    public static bool operator <=(ByteSize a, ByteSize b) => a.Bytes <= b.Bytes;

    public static bool operator >=(ByteSize a, ByteSize b) => a.Bytes >= b.Bytes;

    /// <summary>In the largest binary unit that divides it: <c>32MiB</c>.</summary>
    public override string ToString()
    {
        var (value, unit) = (Bytes, 0);
        for (; value != 0 && value % 1024 == 0 && unit < 4; unit++)
        {
            value /= 1024;
        }

        return value.ToString(CultureInfo.InvariantCulture) + Units[unit];
    }
}
