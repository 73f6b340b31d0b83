using System.Text;

namespace RagCluster.Kernel;

/// <summary>
/// A hash that is the same in every process, version and machine, for placement. 64-bit FNV-1a over UTF-8
/// (Fowler, Noll, Vo; RFC 9923), finished by the 64-bit mix of MurmurHash3 so that the low bits are as good as the high ones.
/// </summary>
/// <remarks>Frozen: changing it would move every entity to another shard.</remarks>
public static class StableHash
{
    public static ulong Of(string text)
    {
        Span<byte> buffer = stackalloc byte[512];
        var length = Encoding.UTF8.GetByteCount(text);
        var bytes = length <= buffer.Length ? buffer[..length] : new byte[length];
        Encoding.UTF8.GetBytes(text, bytes);
        return Of(bytes);
    }

    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var hash = 14695981039346656037UL;
        foreach (var b in bytes)
        {
            hash = (hash ^ b) * 1099511628211UL;
        }

        hash ^= hash >> 33;
        hash *= 0xff51afd7ed558ccdUL;
        hash ^= hash >> 33;
        hash *= 0xc4ceb9fe1a85ec53UL;
        return hash ^ (hash >> 33);
    }

    /// <summary>A number from 0 to <paramref name="buckets"/> - 1.</summary>
    public static int Bucket(string text, int buckets)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(buckets);
        return (int)(Of(text) % (ulong)buckets);
    }
}
