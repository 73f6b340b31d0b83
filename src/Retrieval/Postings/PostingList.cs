using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Postings;

/// <summary>
/// The chunks of one segment that hold a term, in rising order, with the frequencies: chunk number in the upper half,
/// <see cref="Frequencies"/> in the lower. One writer appends; readers see whatever was appended before their
/// snapshot was taken, and cut off what came later.
/// </summary>
internal sealed class PostingList
{
    private ulong[] _items;
    private int _count;
    private Impact _impact = Impact.None;
    private int _inBody;
    private int _inTitle;
    private int _inHeadings;

    public PostingList(string term, int hash, int number)
    {
        Term = term;
        Hash = hash;
        Number = number;
        _items = [];
    }

    public string Term { get; }

    public int Hash { get; }

    /// <summary>The term's number in its lexicon, from 0.</summary>
    public int Number { get; }

    /// <summary>Counts an occurrence in the chunk that is being added; true the first time.</summary>
    /// <param name="beyond">Whether there are more than <see cref="Frequencies"/> can tell.</param>
    public bool CountOccurrence(Field field, out bool beyond)
    {
        var first = (_inBody | _inTitle | _inHeadings) == 0;
        beyond = field switch
        {
            Field.Body => ++_inBody > Frequencies.MostInBody,
            Field.Title => ++_inTitle > Frequencies.MostInHead,
            _ => ++_inHeadings > Frequencies.MostInHead,
        };
        return first;
    }

    /// <summary>Begins to read where the next posting goes.</summary>
    public void FetchEnd() => Fetch.Item(_items, _count);

    /// <summary>Begins to read the postings and the term.</summary>
    public void FetchItems()
    {
        Fetch.Object(_items);
        Fetch.Object(Term);
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
        _impact.Add(frequencies, bodyLength, titleLength, headingsLength);
        if (_count == _items.Length)
        {
            var grown = new ulong[_count == 0 ? 1 : _count * 2];
            _items.AsSpan().CopyTo(grown);
            Volatile.Write(ref _items, grown);
        }

        _items[_count] = Posting(chunk, frequencies);
        Volatile.Write(ref _count, _count + 1);
    }

    /// <summary>Bounds the scores of all postings, those that come while it is read included or not.</summary>
    public Impact Impact
    {
        get
        {
            // The fields are written one by one before the posting that they bound is published: a mixture of older
            // and newer ones bounds every posting that a snapshot has.
            return _impact;
        }
    }

    /// <summary>The postings of chunks below <paramref name="chunks"/>.</summary>
    public ReadOnlySpan<ulong> Below(int chunks) => SegmentBelow(chunks);

    /// <inheritdoc cref="Below"/>
    public ArraySegment<ulong> SegmentBelow(int chunks)
    {
        // Count before array: the array that is read later holds at least as many.
        var count = Volatile.Read(ref _count);
        var items = new ArraySegment<ulong>(Volatile.Read(ref _items), 0, count);
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
