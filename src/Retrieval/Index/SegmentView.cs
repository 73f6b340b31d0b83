using System.Collections.Concurrent;
using RagCluster.Retrieval.Postings;
using RagCluster.Retrieval.Scoring;

namespace RagCluster.Retrieval.Index;

/// <summary>A segment as it was at one moment: how many chunks it had, which of them were deleted, and who might read them. Immutable.</summary>
internal sealed class SegmentView
{
    private const int MostFrequencies = 4096;
    private const int MostReadable = 8;

    /// <summary>What was counted where there are deleted chunks: counting them takes a look at every posting.</summary>
    private ConcurrentDictionary<string, int>? _frequencies;
    private (bool[] MayRead, ulong[] Bits)[] _readable = [];

    public required Segment Segment { get; init; }

    /// <summary>Chunks from here on came later.</summary>
    public required int Count { get; init; }

    public required int DocumentCount { get; init; }

    public required StoredChunk[] Chunks { get; init; }

    public required StoredDocument[] Documents { get; init; }

    public required Lengths Lengths { get; init; }

    /// <summary>By chunk number, an index into <see cref="IndexReader.ReaderSets"/>.</summary>
    public required int[] ReadersOf { get; init; }

    /// <summary>The chunks that are gone; null while there are none. May be shorter than the segment.</summary>
    public ulong[]? Deleted { get; init; }

    public int DeletedCount { get; init; }

    /// <summary>The lengths of the chunks that are not gone, summed.</summary>
    public required PerField<long> TotalLength { get; init; }

    /// <summary>The segment as it is now, with nothing known of its chunks yet.</summary>
    public static SegmentView Of(Segment segment) => new()
    {
        Segment = segment,
        Count = segment.ChunkCount,
        DocumentCount = segment.DocumentCount,
        Chunks = segment.Chunks,
        Documents = segment.Documents,
        Lengths = segment.Lengths,
        ReadersOf = new int[segment.ChunkCount],
        TotalLength = default,
    };

    /// <summary>The same segment as it is now. Only its writer may ask.</summary>
    public SegmentView Renewed(int[] readersOf, ulong[]? deleted, int deletedCount, PerField<long> totalLength) => new()
    {
        Segment = Segment,
        Count = Segment.ChunkCount,
        DocumentCount = Segment.DocumentCount,
        Chunks = Segment.Chunks,
        Documents = Segment.Documents,
        Lengths = Segment.Lengths,
        ReadersOf = readersOf,
        Deleted = deleted,
        DeletedCount = deletedCount,
        TotalLength = totalLength,
    };

    public int LiveCount => Count - DeletedCount;

    public bool IsDeleted(int chunk) => Deleted is { } deleted && chunk >> 6 < deleted.Length && Bitmap.Has(deleted, chunk);

    /// <summary>The term's postings; those of deleted chunks are among them. Null where there are none.</summary>
    public TermPostings? Postings(ReadOnlySpan<char> term) => Segment.Lexicon.Find(term, Count);

    /// <summary>The chunks whose readers' number is true in <paramref name="mayRead"/>. The last few answers are kept.</summary>
    public ulong[] Readable(bool[] mayRead)
    {
        foreach (var (asked, answer) in _readable)
        {
            if (asked.AsSpan().SequenceEqual(mayRead))
            {
                return answer;
            }
        }

        var bits = new ulong[Bitmap.WordsFor(Count)];
        var readers = ReadersOf.AsSpan(0, Count);
        for (var chunk = 0; chunk < readers.Length; chunk++)
        {
            bits[chunk >> 6] |= (mayRead[readers[chunk]] ? 1UL : 0) << chunk;
        }

        _readable = [(mayRead, bits), .. _readable.Take(MostReadable - 1)];
        return bits;
    }

    /// <summary>In how many live chunks the term occurs.</summary>
    public int DocumentFrequency(string term)
    {
        if (Postings(term) is not { } postings)
        {
            return 0;
        }

        if (Deleted is null)
        {
            return postings.Count;
        }

        var frequencies = LazyInitializer.EnsureInitialized(ref _frequencies, () => new ConcurrentDictionary<string, int>(StringComparer.Ordinal));
        if (frequencies.TryGetValue(term, out var known))
        {
            return known;
        }

        var live = 0;
        var block = new PostingBlock();
        for (var number = 0; number < postings.BlockCount; number++)
        {
            postings.Load(number, block);
            foreach (var chunk in block.Chunks[..block.Count])
            {
                live += IsDeleted((int)chunk) ? 0 : 1;
            }
        }

        if (frequencies.Count < MostFrequencies)
        {
            frequencies[term] = live;
        }

        return live;
    }
}
