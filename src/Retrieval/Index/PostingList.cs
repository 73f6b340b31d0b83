namespace RagCluster.Retrieval.Index;

/// <summary>
/// The chunks of one segment that hold a term, in rising order, with the frequencies: chunk number in the upper half,
/// <see cref="Frequencies"/> in the lower. One writer appends; readers see whatever was appended before their
/// snapshot was taken, and cut off what came later.
/// </summary>
internal sealed class PostingList
{
    private ulong[] _items;
    private readonly int _offset;
    private int _count;
    private int _inBody;
    private int _inTitle;
    private int _inHeadings;

    public PostingList(string term, int hash)
    {
        Term = term;
        Hash = hash;
        _items = [];
    }

    /// <summary>A list in an array that it shares with others, as it is read from a file. Nothing is appended to it, only to a copy.</summary>
    public PostingList(string term, int hash, ulong[] items, int offset, int count)
    {
        IsShared = true;
        Term = term;
        Hash = hash;
        _items = items;
        _offset = offset;
        _count = count;
    }

    public string Term { get; }

    public int Hash { get; }

    public bool IsShared { get; }

    /// <summary>A list with the same postings and an array of its own.</summary>
    public PostingList ToOwned() => new(Term, Hash) { _items = _items.AsSpan(_offset, _count).ToArray(), _count = _count };

    /// <summary>Counts an occurrence in the chunk that is being added; true the first time.</summary>
    public bool CountOccurrence(Field field)
    {
        var first = (_inBody | _inTitle | _inHeadings) == 0;
        switch (field)
        {
            case Field.Body:
                _inBody++;
                break;
            case Field.Title:
                _inTitle++;
                break;
            default:
                _inHeadings++;
                break;
        }

        return first;
    }

    /// <summary>Appends what was counted since the last flush.</summary>
    public void Flush(int chunk)
    {
        Append(chunk, Frequencies.Of(_inBody, _inTitle, _inHeadings));
        (_inBody, _inTitle, _inHeadings) = (0, 0, 0);
    }

    public void Append(int chunk, Frequencies frequencies)
    {
        if (_count == _items.Length)
        {
            var grown = new ulong[_count == 0 ? 1 : _count * 2];
            _items.AsSpan().CopyTo(grown);
            Volatile.Write(ref _items, grown);
        }

        _items[_count] = Posting(chunk, frequencies);
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>The postings of chunks below <paramref name="chunks"/>.</summary>
    public ReadOnlySpan<ulong> Below(int chunks)
    {
        // Count before array: the array that is read later holds at least as many.
        var count = Volatile.Read(ref _count);
        var items = Volatile.Read(ref _items).AsSpan(_offset, count);
        if (count > 0 && ChunkOf(items[^1]) >= chunks)
        {
            items = items[..FirstAtOrAfter(items, chunks)];
        }

        return items;
    }

    public static ulong Posting(int chunk, Frequencies frequencies) => ((ulong)(uint)chunk << 32) | frequencies.Bits;

    public static int ChunkOf(ulong posting) => (int)(posting >> 32);

    public static Frequencies FrequenciesOf(ulong posting) => new((uint)posting);

    /// <summary>The place of the first posting of a chunk that is not below <paramref name="chunk"/>.</summary>
    public static int FirstAtOrAfter(ReadOnlySpan<ulong> postings, int chunk)
    {
        var (low, high) = (0, postings.Length);
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (ChunkOf(postings[middle]) < chunk)
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
