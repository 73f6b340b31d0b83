using System.Numerics;

namespace RagCluster.Retrieval.Index;

/// <summary>Sets of chunk numbers as plain bits.</summary>
internal static class Bitmap
{
    public static int WordsFor(int bits) => (bits + 63) >> 6;

    public static bool Has(ReadOnlySpan<ulong> bits, int at) => (bits[at >> 6] >> at & 1) != 0;

    public static void Add(Span<ulong> bits, int at) => bits[at >> 6] |= 1UL << at;

    /// <summary>Sets the bits from <paramref name="from"/> up to but not including <paramref name="to"/>.</summary>
    public static void AddRange(Span<ulong> bits, int from, int to)
    {
        for (var at = from; at < to; at++)
        {
            Add(bits, at);
        }
    }

    /// <summary>All numbers below <paramref name="count"/>.</summary>
    public static ulong[] Full(int count)
    {
        var bits = new ulong[WordsFor(count)];
        bits.AsSpan().Fill(ulong.MaxValue);
        if ((count & 63) != 0)
        {
            bits[^1] = (1UL << count) - 1;
        }

        return bits;
    }

    public static void And(Span<ulong> bits, ReadOnlySpan<ulong> with)
    {
        for (var i = 0; i < bits.Length; i++)
        {
            bits[i] &= with[i];
        }
    }

    public static void Or(Span<ulong> bits, ReadOnlySpan<ulong> with)
    {
        for (var i = 0; i < bits.Length; i++)
        {
            bits[i] |= with[i];
        }
    }

    /// <summary>Takes out what <paramref name="without"/> holds; it may be the shorter one.</summary>
    public static void Remove(Span<ulong> bits, ReadOnlySpan<ulong> without)
    {
        for (var i = 0; i < Math.Min(bits.Length, without.Length); i++)
        {
            bits[i] &= ~without[i];
        }
    }

    public static int CountOf(ReadOnlySpan<ulong> bits)
    {
        var count = 0;
        foreach (var word in bits)
        {
            count += BitOperations.PopCount(word);
        }

        return count;
    }
}
