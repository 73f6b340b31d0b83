using System.Runtime.InteropServices;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Scoring;

namespace RagCluster.Retrieval.Postings;

/// <summary>
/// The terms of the segment that documents are being added to. One writer appends while any number of threads read, each
/// below the chunk count of its snapshot. Positions are kept by chunk, as the sequence of its terms, and turned
/// around when the segment is sealed.
/// </summary>
internal sealed class GrowingLexicon(Analyzer analyzer) : Lexicon
{
    /// <summary>In a chunk's sequence of tokens: a field ends here.</summary>
    private const int EndOfField = int.MinValue;

    /// <summary>What lies between two headings, so that no phrase runs from one into the next.</summary>
    private const int BetweenHeadings = 100;

    private const int FlushAhead = 6;
    private const int PackAhead = 8;
    private const int SmallestSlab = 256;

    /// <summary>Below what the collector takes for a large object.</summary>
    private const int LargestSlab = 16_384;

    private readonly TermBatch _batch = new();
    private readonly List<PostingList> _touched = [];
    private readonly List<int> _sequence = [];
    private ArraySegment<int>[] _tokens = new ArraySegment<int>[4];
    private int[] _slab = [];
    private int _slabUsed;
    private long _tokenBytes;
    private long _postingCount;

    public override int TermCount => Terms.Count;

    public override long Bytes => (_postingCount * 12) + (Terms.Count * 130L) + _tokenBytes;

    private TermTable Terms { get; } = new();

    /// <summary>Adds the terms of the next chunk and gives the lengths of its fields.</summary>
    public PerField<int> Add(int chunk, string text, string title, IReadOnlyList<string> headings, IReadOnlyDictionary<string, string> metadata)
    {
        _sequence.Clear();
        var position = -1;
        var body = Count(analyzer.For(Field.Body, text), text, Field.Body, ref position, 0);
        _sequence.Add(EndOfField);
        position = -1;
        var titleLength = Count(analyzer.For(Field.Title, text), title, Field.Title, ref position, 0);
        _sequence.Add(EndOfField);
        position = -1;
        var (headingsLength, start) = (0, 0);
        var ofHeadings = headings.Count > 0 ? analyzer.For(Field.Headings, text) : analyzer;
        foreach (var heading in headings)
        {
            headingsLength += Count(ofHeadings, heading, Field.Headings, ref position, start);
            start = position + BetweenHeadings;
        }

        for (var i = 0; i < _touched.Count; i++)
        {
            if (i + FlushAhead < _touched.Count)
            {
                _touched[i + FlushAhead].FetchEnd();
            }

            _touched[i].Flush(chunk, body, titleLength, headingsLength);
        }

        _postingCount += _touched.Count + metadata.Count;
        _touched.Clear();
        foreach (var (key, value) in metadata)
        {
            Terms.FindOrAdd(MetadataTerm.Of(key, value)).Append(chunk, default, 0, 0, 0);
        }

        if (chunk >= _tokens.Length)
        {
            Array.Resize(ref _tokens, Math.Max(chunk + 1, _tokens.Length * 2));
        }

        _tokens[chunk] = Kept(CollectionsMarshal.AsSpan(_sequence));
        _tokenBytes += (_sequence.Count * 4L) + 16;
        return new PerField<int>(body, titleLength, headingsLength);
    }

    public override TermPostings? Find(ReadOnlySpan<char> term, int limit) =>
        Terms.Find(term) is { } list && list.SegmentBelow(limit) is { Count: > 0 } items ? new GrowingPostings(this, list, items) : null;

    public override IEnumerable<string> TermsWith(string prefix) =>
        Terms.All().Where(list => list.Term.StartsWith(prefix, StringComparison.Ordinal)).Select(list => list.Term);

    /// <summary>Packs what chunks below <paramref name="chunkCount"/> have. The writer may go on.</summary>
    public PackedLexicon Pack(int chunkCount, Lengths lengths)
    {
        var tokens = Volatile.Read(ref _tokens);
        var (starts, positions) = PositionsByTerm(tokens.AsSpan(0, Math.Min(chunkCount, tokens.Length)));
        var writer = new LexiconWriter(lengths);
        Span<byte> term = stackalloc byte[TermBytes.MostFor(TokenStream.MaxTermLength)];
        var sorted = Sorted();
        for (var i = 0; i < sorted.Length; i++)
        {
            if (i + (2 * PackAhead) < sorted.Length)
            {
                Fetch.Object(sorted[i + (2 * PackAhead)]);
                sorted[i + PackAhead].FetchItems();
            }

            var list = sorted[i];
            var items = list.Below(chunkCount);
            if (items.IsEmpty)
            {
                continue;
            }

            var bytes = list.Term.Length <= TokenStream.MaxTermLength ? term : new byte[TermBytes.MostFor(list.Term.Length)];
            writer.Begin(bytes[..TermBytes.Encode(list.Term, bytes)]);
            var at = list.Number < starts.Length ? starts[list.Number] : 0;
            foreach (var item in items)
            {
                var frequencies = PostingList.FrequenciesOf(item);
                var target = writer.Add(PostingList.ChunkOf(item), frequencies);
                Write(target, positions.AsSpan(at, frequencies.Body));
                at += frequencies.Body;
                Write(target, positions.AsSpan(at, frequencies.Title));
                at += frequencies.Title;
                Write(target, positions.AsSpan(at, frequencies.Headings));
                at += frequencies.Headings;
            }

            writer.End();
        }

        return writer.Finish(chunkCount);

        static void Write(ByteBuffer target, ReadOnlySpan<int> positions)
        {
            var before = 0;
            foreach (var position in positions)
            {
                PositionCode.Write(target, position - before);
                before = position;
            }
        }
    }

    /// <summary>A copy in memory shared with other chunks: an object for each would be as many for the collector to look after.</summary>
    private ArraySegment<int> Kept(ReadOnlySpan<int> sequence)
    {
        if (sequence.Length > LargestSlab / 4)
        {
            return sequence.ToArray();
        }

        if (_slab.Length - _slabUsed < sequence.Length)
        {
            _slab = new int[Math.Clamp(Math.Max(sequence.Length, _slab.Length * 2), SmallestSlab, LargestSlab)];
            _slabUsed = 0;
        }

        var kept = new ArraySegment<int>(_slab, _slabUsed, sequence.Length);
        sequence.CopyTo(kept);
        _slabUsed += sequence.Length;
        return kept;
    }

    /// <summary>Adds the field's terms to those of the chunk at hand and gives its length.</summary>
    /// <param name="last">The position of the last term before and, afterwards, of this field's last.</param>
    /// <param name="start">The position of the field's first word.</param>
    private int Count(Analyzer own, string text, Field field, ref int last, int start)
    {
        var length = 0;
        var tokens = new TokenStream(own, text);
        while (_batch.Fill(ref tokens, Terms))
        {
            for (var i = 0; i < _batch.Count; i++)
            {
                var list = _batch.ListOf(i, Terms);
                if (list.CountOccurrence(field, out var beyond))
                {
                    _touched.Add(list);
                }

                length += _batch.IsWhole(i) ? 0 : 1;
                if (beyond)
                {
                    continue;
                }

                var position = start + _batch.PositionOf(i);
                if (position - last != 1)
                {
                    _sequence.Add(~(position - last));
                }

                _sequence.Add(list.Number);
                last = position;
            }
        }

        return length;
    }

    /// <summary>All positions, those of one term together in the order of its postings and fields, and where each term's begin.</summary>
    private (int[] Starts, int[] Positions) PositionsByTerm(ReadOnlySpan<ArraySegment<int>> tokens)
    {
        var starts = new int[Terms.Count + 1];
        var total = 0;
        foreach (var sequence in tokens)
        {
            foreach (var token in sequence.AsSpan())
            {
                if (token >= 0)
                {
                    starts[token + 1]++;
                    total++;
                }
            }
        }

        for (var i = 1; i < starts.Length; i++)
        {
            starts[i] += starts[i - 1];
        }

        var next = starts.AsSpan(0, starts.Length - 1).ToArray();
        var positions = new int[total];
        foreach (var sequence in tokens)
        {
            var walk = new TokenWalk(sequence);
            while (walk.MoveNext())
            {
                positions[next[walk.Term]++] = walk.Position;
            }
        }

        return (starts, positions);
    }

    private PostingList[] Sorted()
    {
        var lists = Terms.All().ToArray();
        var heads = new ulong[lists.Length];
        Span<byte> bytes = stackalloc byte[TermBytes.MostFor(8)];
        for (var i = 0; i < lists.Length; i++)
        {
            if (i + (2 * PackAhead) < lists.Length)
            {
                Fetch.Object(lists[i + (2 * PackAhead)]);
                Fetch.Object(lists[i + PackAhead].Term);
            }

            var length = TermBytes.Encode(lists[i].Term.AsSpan(0, Math.Min(8, lists[i].Term.Length)), bytes);
            for (var b = 0; b < 8; b++)
            {
                heads[i] = (heads[i] << 8) | (b < length ? bytes[b] : 0u);
            }
        }

        // Eight bytes decide nearly always; the rest of the order is made where they do not.
        Array.Sort(heads, lists);
        for (var (first, end) = (0, 0); first < lists.Length; first = end)
        {
            for (end = first + 1; end < lists.Length && heads[end] == heads[first]; end++)
            {
            }

            lists.AsSpan(first, end - first).Sort((x, y) => string.CompareOrdinal(x.Term, y.Term));
        }

        return lists;
    }

    /// <summary>Reads a chunk's sequence of tokens.</summary>
    private ref struct TokenWalk(ReadOnlySpan<int> tokens)
    {
        private readonly ReadOnlySpan<int> _tokens = tokens;
        private int _at;

        public int Term { get; private set; }

        public int Position { get; private set; } = -1;

        /// <summary>0 in the body, 1 in the title, 2 in headings.</summary>
        public int Field { get; private set; }

        public bool MoveNext()
        {
            var step = 1;
            while (_at < _tokens.Length)
            {
                var token = _tokens[_at++];
                if (token >= 0)
                {
                    Term = token;
                    Position += step;
                    return true;
                }

                if (token == EndOfField)
                {
                    Field++;
                    Position = -1;
                }
                else
                {
                    step = ~token;
                }
            }

            return false;
        }
    }

    private sealed class GrowingPostings(GrowingLexicon lexicon, PostingList list, ArraySegment<ulong> items) : TermPostings
    {
        public override int Count => items.Count;

        public override int LastOf(int block) => PostingList.ChunkOf(items[Math.Min(((block + 1) * PostingBlock.Size) - 1, items.Count - 1)]);

        public override Impact? ImpactOf(int block) => Whole;

        public override Impact? Whole => items.Count <= PostingBlock.Size ? null : list.Impact;

        public override void Load(int block, PostingBlock into)
        {
            into.Clear();
            var first = block * PostingBlock.Size;
            foreach (var item in items.AsSpan(first, Math.Min(PostingBlock.Size, items.Count - first)))
            {
                into.Add(PostingList.ChunkOf(item), PostingList.FrequenciesOf(item));
            }

            into.Close(into.Count, int.MaxValue);
        }

        public override PositionReader Positions() => new Reader(lexicon, list.Number);
    }

    private sealed class Reader(GrowingLexicon lexicon, int number) : PositionReader
    {
        public override bool MoveTo(int chunk)
        {
            Begin();
            var (field, found) = (0, false);
            var walk = new TokenWalk(Volatile.Read(ref lexicon._tokens)[chunk]);
            while (walk.MoveNext())
            {
                if (walk.Term == number)
                {
                    for (; field < walk.Field; field++)
                    {
                        NextField();
                    }

                    Add(walk.Position);
                    found = true;
                }
            }

            for (; field < 2; field++)
            {
                NextField();
            }

            return found;
        }
    }
}
