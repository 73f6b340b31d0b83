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
    private int _mostInBody;
    private int _mostInTitle;
    private int _mostInHeadings;
    private int _shortestBody = int.MaxValue;
    private int _shortestTitle = int.MaxValue;
    private int _shortestHeadings = int.MaxValue;
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
    public PostingList ToOwned() => new(Term, Hash)
    {
        _items = _items.AsSpan(_offset, _count).ToArray(),
        _count = _count,
        _mostInBody = _mostInBody,
        _mostInTitle = _mostInTitle,
        _mostInHeadings = _mostInHeadings,
        _shortestBody = _shortestBody,
        _shortestTitle = _shortestTitle,
        _shortestHeadings = _shortestHeadings,
    };

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
    public void Flush(int chunk, int bodyLength, int titleLength, int headingsLength)
    {
        Append(chunk, Frequencies.Of(_inBody, _inTitle, _inHeadings), bodyLength, titleLength, headingsLength);
        (_inBody, _inTitle, _inHeadings) = (0, 0, 0);
    }

    public void Append(int chunk, Frequencies frequencies, int bodyLength, int titleLength, int headingsLength)
    {
        // Before the posting is published: a reader must never see a posting that exceeds the bounds.
        Widen(frequencies, bodyLength, titleLength, headingsLength);
        if (_count == _items.Length)
        {
            var grown = new ulong[_count == 0 ? 1 : _count * 2];
            _items.AsSpan().CopyTo(grown);
            Volatile.Write(ref _items, grown);
        }

        _items[_count] = Posting(chunk, frequencies);
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>The highest frequency and the lowest length of each field: no posting scores higher than one that had them all.</summary>
    public (PerField<int> MostOften, PerField<int> Shortest) Bounds => (new(_mostInBody, _mostInTitle, _mostInHeadings), new(_shortestBody, _shortestTitle, _shortestHeadings));

    /// <summary>Widens the bounds by a posting.</summary>
    public void Widen(Frequencies frequencies, int bodyLength, int titleLength, int headingsLength)
    {
        if (frequencies.Body > 0)
        {
            _mostInBody = Math.Max(_mostInBody, frequencies.Body);
            _shortestBody = Math.Min(_shortestBody, bodyLength);
        }

        if (!frequencies.IsBodyOnly)
        {
            _mostInTitle = Math.Max(_mostInTitle, frequencies.Title);
            _mostInHeadings = Math.Max(_mostInHeadings, frequencies.Headings);
            _shortestTitle = Math.Min(_shortestTitle, titleLength);
            _shortestHeadings = Math.Min(_shortestHeadings, headingsLength);
        }
    }

    /// <summary>The postings of chunks below <paramref name="chunks"/>.</summary>
    public ReadOnlySpan<ulong> Below(int chunks) => SegmentBelow(chunks);

    /// <inheritdoc cref="Below"/>
    public ArraySegment<ulong> SegmentBelow(int chunks)
    {
        // Count before array: the array that is read later holds at least as many.
        var count = Volatile.Read(ref _count);
        var items = new ArraySegment<ulong>(Volatile.Read(ref _items), _offset, count);
        return count > 0 && ChunkOf(items[^1]) >= chunks ? items[..FirstAtOrAfter(items, chunks)] : items;
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
