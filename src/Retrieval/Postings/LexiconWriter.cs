using System.Buffers.Binary;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Scoring;

namespace RagCluster.Retrieval.Postings;

/// <summary>
/// Packs terms, given in order, with their postings and positions. The bytes are those of a segment file and those that
/// are searched.
/// </summary>
/// <remarks>
/// Dictionary: the number of terms; then for each term how many bytes it shares with the one before (none at every
/// sixteenth) and the rest of it, the length of its data, and its number of postings. Up to 15 the two lengths share
/// a byte; a term with one posting has no number, but a bit.
/// Data of a term with fewer than 128 postings: these few, then the positions. Of any other: the length of
/// the blocks (4 bytes) and the <see cref="Impact"/> of all; for each block its last chunk, where it and its positions begin (4 bytes each) and its
/// <see cref="Impact"/>; the blocks; the positions.
/// A few postings: a byte with the widths of gaps and of frequencies less one, and both packed; or 255 and each by itself.
/// One alone is without that byte. The rest of a term with blocks is written as a few are.
/// Posting by itself: the gap to the chunk before and one bit that says "once, in the body"; else the frequency in
/// the body and one bit that says whether title and headings follow, a byte each.
/// Block: the widths of gaps and frequencies, the least frequency, the packed gaps less one, the packed frequencies
/// less the least; if there are any of title or headings, a bit for each posting and two bytes for each bit.
/// Positions: for each posting those in the body, then in the title, then in headings, each as the gap to the one
/// before, the first as it is (<see cref="PositionCode"/>). The frequencies say how many.
/// </remarks>
/// <param name="lengths">Of the chunks, which bounds on scores need.</param>
internal sealed class LexiconWriter(Lengths lengths)
{
    public const int TermsTogether = 16;
    /// <summary>What precedes the entries of a term's blocks.</summary>
    public const int HeadSize = 4 + Impact.Size;

    public const int EntrySize = 12 + Impact.Size;

    /// <summary>What stands before postings that are not packed.</summary>
    public const byte Singly = 0xFF;

    private const byte WithHeads = 0x80;
    private const int WidestMore = 6;

    private readonly ByteBuffer _dictionary = new();
    private readonly ByteBuffer _postings = new();
    private readonly ByteBuffer _blocks = new();
    private readonly ByteBuffer _entries = new();
    private readonly ByteBuffer _positions = new();
    private readonly ByteBuffer _single = new();
    private readonly List<(int Chunk, Frequencies Frequencies, int PositionsAt)> _items = [];
    private byte[] _term = new byte[256];
    private byte[] _before = new byte[256];
    private int _termLength;
    private int _beforeLength;

    public int TermCount { get; private set; }

    public long PostingCount { get; private set; }

    /// <summary>Begins a term, which comes after all those before.</summary>
    public void Begin(ReadOnlySpan<byte> term)
    {
        if (term.Length > _term.Length)
        {
            Array.Resize(ref _term, term.Length * 2);
            Array.Resize(ref _before, term.Length * 2);
        }

        term.CopyTo(_term);
        _termLength = term.Length;
        _items.Clear();
        _positions.Clear();
    }

    /// <summary>Adds a posting of a chunk beyond those before; its positions are then written to what it returns.</summary>
    public ByteBuffer Add(int chunk, Frequencies frequencies)
    {
        _items.Add((chunk, frequencies, _positions.Length));
        return _positions;
    }

    /// <summary>Ends the term; one without postings leaves no trace.</summary>
    public void End()
    {
        if (_items.Count == 0)
        {
            return;
        }

        var from = _postings.Length;
        if (_items.Count < PostingBlock.Size)
        {
            Few(_postings, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_items), -1);
        }
        else
        {
            Blocks();
        }

        _postings.Bytes(_positions.Written);
        Entry(_postings.Length - from);
        PostingCount += _items.Count;
    }

    /// <summary>Everything written, ready to be searched and saved.</summary>
    public PackedLexicon Finish(int chunkCount)
    {
        var head = new ByteBuffer();
        head.Number((uint)TermCount);
        head.Bytes(_dictionary.Written);
        return PackedLexicon.Open(head.ToArray(), _postings.ToArray(BitPacking.Overrun), chunkCount);
    }

    private void Entry(int dataLength)
    {
        var shared = TermCount % TermsTogether == 0 ? 0 : _term.AsSpan(0, _termLength).CommonPrefixLength(_before.AsSpan(0, _beforeLength));
        var rest = _termLength - shared;
        _dictionary.Byte((byte)((Math.Min(shared, 15) << 4) | Math.Min(rest, 15)));
        if (shared >= 15)
        {
            _dictionary.Number((uint)shared - 15);
        }

        if (rest >= 15)
        {
            _dictionary.Number((uint)rest - 15);
        }

        _dictionary.Bytes(_term.AsSpan(shared, rest));
        var single = _items.Count == 1;
        _dictionary.Number(checked(((uint)dataLength << 1) | (single ? 1u : 0u)));
        if (!single)
        {
            _dictionary.Number((uint)_items.Count);
        }

        (_term, _before) = (_before, _term);
        _beforeLength = _termLength;
        TermCount++;
    }

    private static void Posting(ByteBuffer target, int gap, Frequencies frequencies)
    {
        var once = frequencies.Bits == 1;
        target.Number(((uint)gap << 1) | (once ? 0u : 1u));
        if (!once)
        {
            target.Number(((uint)frequencies.Body << 1) | (frequencies.IsBodyOnly ? 0u : 1u));
            if (!frequencies.IsBodyOnly)
            {
                target.Byte((byte)frequencies.Title);
                target.Byte((byte)frequencies.Headings);
            }
        }
    }

    /// <summary>Fewer than a block: packed where that is shorter and a byte can say how, else one by one.</summary>
    private void Few(ByteBuffer target, ReadOnlySpan<(int Chunk, Frequencies Frequencies, int PositionsAt)> items, int before)
    {
        Span<uint> gaps = stackalloc uint[items.Length];
        Span<uint> more = stackalloc uint[items.Length];
        var (allGaps, allMore, packs) = (0u, 0u, items.Length > 1);
        _single.Clear();
        for (var i = 0; i < items.Length; i++)
        {
            var (chunk, frequencies, _) = items[i];
            gaps[i] = (uint)(chunk - before - 1);
            before = chunk;
            more[i] = (uint)frequencies.Body - 1;
            allGaps |= gaps[i];
            allMore |= more[i];
            packs &= frequencies.IsBodyOnly && frequencies.Body > 0;
            Posting(_single, (int)gaps[i], frequencies);
        }

        var (gapWidth, moreWidth) = (BitPacking.WidthFor(allGaps), BitPacking.WidthFor(allMore));
        var (gapBytes, moreBytes) = (BitPacking.BytesFor(items.Length, gapWidth), BitPacking.BytesFor(items.Length, moreWidth));
        if (packs && moreWidth <= WidestMore && gapBytes + moreBytes <= _single.Length)
        {
            target.Byte((byte)((moreWidth << 5) | gapWidth));
            BitPacking.Pack(gaps, gapWidth, target.Take(gapBytes));
            BitPacking.Pack(more, moreWidth, target.Take(moreBytes));
            return;
        }

        if (items.Length > 1)
        {
            target.Byte(Singly);
        }

        target.Bytes(_single.Written);
    }

    private void Blocks()
    {
        _blocks.Clear();
        _entries.Clear();
        var before = -1;
        var whole = Impact.None;
        for (var first = 0; first < _items.Count; first += PostingBlock.Size)
        {
            var items = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_items)[first..Math.Min(first + PostingBlock.Size, _items.Count)];
            var entry = _entries.Take(EntrySize);
            BinaryPrimitives.WriteInt32LittleEndian(entry, items[^1].Chunk);
            BinaryPrimitives.WriteInt32LittleEndian(entry[4..], _blocks.Length);
            BinaryPrimitives.WriteInt32LittleEndian(entry[8..], items[0].PositionsAt);
            var impact = Impact.None;
            foreach (var (chunk, frequencies, _) in items)
            {
                impact.Add(frequencies, lengths.Body[chunk], lengths.Title[chunk], lengths.Headings[chunk]);
            }

            impact.Write(entry[12..]);
            whole.Add(impact);
            if (items.Length == PostingBlock.Size)
            {
                Block(items, before);
            }
            else
            {
                Few(_blocks, items, before);
            }

            before = items[^1].Chunk;
        }

        var head = _postings.Take(HeadSize);
        BinaryPrimitives.WriteInt32LittleEndian(head, _blocks.Length);
        whole.Write(head[4..]);
        _postings.Bytes(_entries.Written);
        _postings.Bytes(_blocks.Written);
    }

    private void Block(ReadOnlySpan<(int Chunk, Frequencies Frequencies, int PositionsAt)> items, int before)
    {
        Span<uint> gaps = stackalloc uint[PostingBlock.Size];
        Span<uint> bodies = stackalloc uint[PostingBlock.Size];
        var (allGaps, least, most, heads) = (0u, uint.MaxValue, 0u, false);
        for (var i = 0; i < items.Length; i++)
        {
            gaps[i] = (uint)(items[i].Chunk - before - 1);
            before = items[i].Chunk;
            allGaps |= gaps[i];
            bodies[i] = (uint)items[i].Frequencies.Body;
            least = Math.Min(least, bodies[i]);
            most = Math.Max(most, bodies[i]);
            heads |= !items[i].Frequencies.IsBodyOnly;
        }

        foreach (ref var body in bodies)
        {
            body -= least;
        }

        var (gapWidth, bodyWidth) = (BitPacking.WidthFor(allGaps), BitPacking.WidthFor(most - least));
        _blocks.Byte((byte)gapWidth);
        _blocks.Byte((byte)(bodyWidth | (heads ? WithHeads : 0)));
        _blocks.Number(least);
        BitPacking.Pack(gaps, gapWidth, _blocks.Take(BitPacking.BytesFor(gaps.Length, gapWidth)));
        BitPacking.Pack(bodies, bodyWidth, _blocks.Take(BitPacking.BytesFor(bodies.Length, bodyWidth)));
        if (!heads)
        {
            return;
        }

        var bits = _blocks.Take(PostingBlock.Size / 8);
        bits.Clear();
        for (var i = 0; i < items.Length; i++)
        {
            bits[i >> 3] |= (byte)(items[i].Frequencies.IsBodyOnly ? 0 : 1 << (i & 7));
        }

        foreach (var (_, frequencies, _) in items)
        {
            if (!frequencies.IsBodyOnly)
            {
                _blocks.Byte((byte)frequencies.Title);
                _blocks.Byte((byte)frequencies.Headings);
            }
        }
    }
}
