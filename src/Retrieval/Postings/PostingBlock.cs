using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Postings;

/// <summary>Up to 128 postings of one term, unpacked. Reused from block to block; entries from <see cref="Count"/> to the next multiple of eight are 0.</summary>
internal sealed class PostingBlock
{
    public const int Size = 128;

    private const uint BodyMask = Frequencies.MostInBody;

    private readonly uint[] _chunks = new uint[Size];
    private readonly uint[] _bodies = new uint[Size];
    private readonly uint[] _heads = new uint[Size];

    public int Count { get; private set; }

    /// <summary>Whether any of them is of a title or a heading; if not, <see cref="Heads"/> holds nothing of use.</summary>
    public bool HasHeads { get; private set; }

    /// <summary>Rising.</summary>
    public Span<uint> Chunks => _chunks;

    /// <summary>The frequencies in the body.</summary>
    public Span<uint> Bodies => _bodies;

    /// <summary>The frequencies in title and headings, as <see cref="Frequencies"/> has them.</summary>
    public Span<uint> Heads => _heads;

    public int ChunkAt(int index) => (int)_chunks[index];

    public Frequencies FrequenciesAt(int index) => new(HasHeads ? _bodies[index] | _heads[index] : _bodies[index]);

    public void Clear()
    {
        Count = 0;
        HasHeads = false;
    }

    public void Add(int chunk, Frequencies frequencies)
    {
        if (!frequencies.IsBodyOnly)
        {
            WithHeads();
            _heads[Count] = frequencies.Bits & ~BodyMask;
        }
        else if (HasHeads)
        {
            _heads[Count] = 0;
        }

        _chunks[Count] = (uint)chunk;
        _bodies[Count++] = frequencies.Bits & BodyMask;
    }

    /// <summary>Says that title and headings follow, which are 0 until set.</summary>
    public void WithHeads()
    {
        if (!HasHeads)
        {
            HasHeads = true;
            _heads.AsSpan().Clear();
        }
    }

    /// <summary>Keeps the postings of chunks below <paramref name="limit"/>, <paramref name="count"/> of those there are.</summary>
    public void Close(int count, int limit)
    {
        while (count > 0 && _chunks[count - 1] >= (uint)limit)
        {
            count--;
        }

        Count = count;
        var end = (count + 7) & ~7;
        _chunks.AsSpan(count, end - count).Clear();
        _bodies.AsSpan(count, end - count).Clear();
        _heads.AsSpan(count, end - count).Clear();
    }

    /// <summary>The place of the first posting of a chunk that is not below <paramref name="chunk"/>.</summary>
    public int FirstAtOrAfter(int chunk)
    {
        var (low, high) = (0, Count);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_chunks[middle] < (uint)chunk)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
