using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>A segment's vectors as one snapshot sees them.</summary>
/// <param name="Count">Rows from here on came later.</param>
/// <param name="Allowed">The bits of the rows that take part; all, where it is empty.</param>
internal sealed record VectorPart(FlatVectors Vectors, int Count, ulong[] Allowed)
{
    public int Living => Allowed.Length == 0 ? Count : Bitmap.CountOf(Allowed);

    /// <summary>Writes the bits of the first so many rows.</summary>
    public void CopyBits(Span<ulong> to, int rows)
    {
        var words = Bitmap.WordsFor(rows);
        if (Allowed.Length == 0)
        {
            to[..words].Fill(ulong.MaxValue);
        }
        else
        {
            to[..words].Clear();
            Allowed.AsSpan(0, Math.Min(words, Allowed.Length)).CopyTo(to);
        }

        if (rows % 64 != 0)
        {
            to[words - 1] &= (1UL << (rows % 64)) - 1;
        }

        // Beyond the snapshot's count nothing takes part.
        for (var word = Count >> 6; word < words; word++)
        {
            to[word] &= word > Count >> 6 ? 0 : (1UL << (Count & 63)) - 1;
        }
    }

    /// <summary>The bits of the rows from one on.</summary>
    public ulong[] From(int row)
    {
        var bits = new ulong[Bitmap.WordsFor(Count)];
        CopyBits(bits, Count);
        bits.AsSpan(0, row >> 6).Clear();
        bits[row >> 6] &= ulong.MaxValue << row;
        return bits;
    }
}
