using System.Collections.Immutable;
using RagCluster.Messages;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Postings;
using RagCluster.Retrieval.Scoring;

namespace RagCluster.Retrieval.Index;

/// <summary>
/// Something to be done to closed segments. Running it reads what no longer changes and changes nothing that anybody
/// sees, so it may run on any thread, fail, or be cancelled; the index takes over what came of it afterwards
/// (<see cref="PartitionIndex.Finish"/>). Nothing of it is on disk before the next save.
/// </summary>
public abstract class SegmentWork
{
    /// <summary>What is done to how many chunks, for a log.</summary>
    public abstract string Description { get; }

    internal bool IsDone { get; private set; }

    /// <summary>Does the work; it takes up to about a second for a full segment.</summary>
    /// <exception cref="OperationCanceledException">Nothing came of it.</exception>
    public void Run(CancellationToken cancellationToken)
    {
        Do(cancellationToken);
        IsDone = true;
    }

    private protected abstract void Do(CancellationToken cancellationToken);
}

/// <summary>Packs the terms of a segment to which nothing is added any more.</summary>
internal sealed class SegmentPacking(Segment segment) : SegmentWork
{
    private PackedLexicon? _packed;

    public override string Description => $"packing {segment.ChunkCount} chunks";

    public Segment Segment => segment;

    public PackedLexicon Packed => _packed ?? throw new InvalidOperationException("Nothing was packed yet.");

    private protected override void Do(CancellationToken cancellationToken) => _packed = segment.Packed();
}

/// <summary>Puts the living chunks of packed segments into a new one. Nothing is analysed again.</summary>
/// <param name="sources">As they were when the merge began.</param>
/// <param name="documents">All of the index's documents then.</param>
internal sealed class SegmentMerge(SegmentView[] sources, ImmutableDictionary<DocumentId, DocumentEntry> documents, Analyzer analyzer) : SegmentWork
{
    private const int RowsBetweenLooks = 256;

    private ImmutableDictionary<DocumentId, DocumentEntry>? _moved;

    public override string Description => $"merging {sources.Length} segments of {sources.Sum(view => view.LiveCount)} chunks";

    /// <summary>The new segment; null where no document was left.</summary>
    public SegmentView? Merged { get; private set; }

    /// <summary>The documents as they were, those of the sources in their new places.</summary>
    public ImmutableDictionary<DocumentId, DocumentEntry> Documents => _moved ?? documents;

    public bool IsFrom(Segment segment) => Array.Exists(sources, view => view.Segment == segment);

    /// <summary>Where the merge has put the document; null where it was not in one of the sources.</summary>
    public DocumentEntry? MovedOf(DocumentId document) =>
        Merged is { } merged && Documents.TryGetValue(document, out var entry) && entry.Segment == merged.Segment ? entry : null;

    private protected override void Do(CancellationToken cancellationToken)
    {
        var target = new Segment(analyzer);
        var moved = documents.ToBuilder();
        var readersOf = new int[sources.Sum(view => view.LiveCount)];
        var lexicons = new List<(PackedLexicon, int[])>(sources.Length);
        var total = default(PerField<long>);
        foreach (var view in sources)
        {
            lexicons.Add(((PackedLexicon)view.Segment.Lexicon, Move(view, target, moved, readersOf, cancellationToken)));
            total = new PerField<long>(total.Body + view.TotalLength.Body, total.Title + view.TotalLength.Title, total.Headings + view.TotalLength.Headings);
        }

        cancellationToken.ThrowIfCancellationRequested();
        target.Seal(LexiconMerger.Merge(lexicons, target.ChunkCount, target.Lengths));
        if (target.DocumentCount > 0)
        {
            Merged = SegmentView.Of(target).Renewed(readersOf, null, 0, total);
            _moved = moved.ToImmutable();
        }
    }

    /// <summary>Copies a source's living documents; by chunk its new number, or -1.</summary>
    private int[] Move(SegmentView view, Segment target, ImmutableDictionary<DocumentId, DocumentEntry>.Builder moved, int[] readersOf, CancellationToken cancellationToken)
    {
        var numbers = new int[view.Count];
        numbers.AsSpan().Fill(-1);
        for (var row = 0; row < view.DocumentCount; row++)
        {
            if (row % RowsBetweenLooks == 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }

            var stored = view.Documents[row];
            if (!documents.TryGetValue(stored.Document, out var entry) || entry.Segment != view.Segment || entry.Row != row)
            {
                continue;
            }

            var to = target.AddCopy(stored, view);
            var copy = target.Documents[to];
            for (var i = 0; i < stored.Count; i++)
            {
                numbers[stored.First + i] = copy.First + i;
            }

            view.ReadersOf.AsSpan(stored.First, stored.Count).CopyTo(readersOf.AsSpan(copy.First));
            moved[stored.Document] = entry with { Segment = target, Row = to, Stored = copy };
        }

        return numbers;
    }
}
