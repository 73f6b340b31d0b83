using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Scoring;
using RagCluster.Retrieval.Vectors.Graphs;

namespace RagCluster.Retrieval.Index;

public sealed record IndexOptions
{
    public static IndexOptions Default { get; } = new();

    public Analyzer Analyzer { get; init; } = Analyzer.English;

    public Bm25Options Bm25 { get; init; } = Bm25Options.Default;

    /// <summary>A segment that has as many chunks takes no further document.</summary>
    public int MaxSegmentChunks { get; init; } = 98_304;

    /// <summary>Nor does one that holds as many bytes of text.</summary>
    public long MaxSegmentText { get; init; } = 128L << 20;

    /// <summary>
    /// Whether whoever writes runs <see cref="PartitionIndex.BeginWork"/>'s work beside the writing. Otherwise full segments
    /// are packed, and small ones merged, in the call that finds them so, which then takes some tenths of a second.
    /// </summary>
    public bool WorksInBackground { get; init; }

    public VectorGraphOptions Graphs { get; init; } = new();

    /// <summary>A segment is rewritten without its deleted chunks once they are more than half of it, and at least this many.</summary>
    public int MinDeletedToRewrite { get; init; } = 256;
}
