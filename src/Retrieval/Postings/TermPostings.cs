using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Postings;

/// <summary>
/// One term's postings in one segment as one snapshot sees them: in blocks of <see cref="PostingBlock.Size"/>, the last
/// one shorter, each with its last chunk and a bound on its scores that are known without unpacking it.
/// </summary>
internal abstract class TermPostings
{
    /// <summary>In how many chunks of the snapshot the term occurs, deleted ones included.</summary>
    public abstract int Count { get; }

    public int BlockCount => (Count + PostingBlock.Size - 1) / PostingBlock.Size;

    /// <summary>The greatest chunk of a block; of the last block perhaps one beyond the snapshot.</summary>
    public abstract int LastOf(int block);

    /// <summary>Null where it is not known: then there is one block, to be looked at itself.</summary>
    public abstract Impact? ImpactOf(int block);

    /// <summary>What bounds all blocks; null where a block's is.</summary>
    public abstract Impact? Whole { get; }

    /// <summary>Unpacks a block, but for chunks that the snapshot does not have.</summary>
    public abstract void Load(int block, PostingBlock into);

    /// <summary>Reads the places where the term stands.</summary>
    public abstract PositionReader Positions();

    /// <summary>How often the term occurs in a chunk; null where it does not.</summary>
    public Frequencies? At(int chunk)
    {
        var number = BlockOf(chunk, 0);
        if (number == BlockCount)
        {
            return null;
        }

        var block = new PostingBlock();
        Load(number, block);
        var index = block.FirstAtOrAfter(chunk);
        return index < block.Count && block.ChunkAt(index) == chunk ? block.FrequenciesAt(index) : null;
    }

    /// <summary>Adds the chunks that have the term, in one field where one is given, to a set of bits.</summary>
    public void AddTo(Span<ulong> bits, Field? field = null)
    {
        var block = new PostingBlock();
        for (var number = 0; number < BlockCount; number++)
        {
            Load(number, block);
            for (var i = 0; i < block.Count; i++)
            {
                if (field is null || block.FrequenciesAt(i).In(field).Bits != 0)
                {
                    Bitmap.Add(bits, block.ChunkAt(i));
                }
            }
        }
    }

    /// <summary>The first block, from <paramref name="from"/> on, whose last chunk is not below <paramref name="chunk"/>: by steps that double, then by halves.</summary>
    public int BlockOf(int chunk, int from)
    {
        var blocks = BlockCount;
        var (low, step) = (from, 1);
        if (low >= blocks || LastOf(low) >= chunk)
        {
            return low;
        }

        while (low + step < blocks && LastOf(low + step) < chunk)
        {
            low += step;
            step *= 2;
        }

        var high = Math.Min(blocks, low + step);
        low++;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (LastOf(middle) < chunk)
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

/// <summary>Where one term stands in chunks, looked up one after the other.</summary>
internal abstract class PositionReader
{
    private readonly List<int> _positions = [];
    private int _title;
    private int _headings;

    /// <summary>Goes to a chunk beyond those looked up before; whether the term occurs in it.</summary>
    public abstract bool MoveTo(int chunk);

    /// <summary>The term's positions in a field of the chunk, rising: words from 0, those left out included; each heading begins a hundred after the one before.</summary>
    public ReadOnlySpan<int> In(Field field)
    {
        var all = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_positions);
        return field switch
        {
            Field.Body => all[.._title],
            Field.Title => all[_title.._headings],
            _ => all[_headings..],
        };
    }

    protected void Begin()
    {
        _positions.Clear();
        (_title, _headings) = (int.MaxValue, int.MaxValue);
    }

    protected void Add(int position) => _positions.Add(position);

    /// <summary>What is added from here on is of the next field: title after body, headings after title.</summary>
    protected void NextField()
    {
        if (_title == int.MaxValue)
        {
            _title = _positions.Count;
        }
        else
        {
            _headings = _positions.Count;
        }
    }

    /// <summary>The number of positions since <paramref name="from"/>, for readers that must not hold too many of a field.</summary>
    protected int Count => _positions.Count;
}
