using RagCluster.Messages;

namespace RagCluster.Retrieval.Index;

/// <summary>When segments are closed, packed and merged, and how what came of it is taken over.</summary>
public sealed partial class PartitionIndex
{
    /// <summary>So many closed segments wait to be packed; the writer packs a further one itself, so that unpacked ones do not pile up.</summary>
    private const int MostUnpacked = 2;

    private SegmentWork? _underWay;

    /// <summary>The documents that changed since the merge under way began.</summary>
    private HashSet<DocumentId>? _changed;

    /// <summary>Whether there may be work: a segment was closed, or became sparse, or others were opened or merged.</summary>
    private bool _due;

    /// <summary>
    /// Takes on what is to be done next to closed segments; null where nothing is, or something is under way already.
    /// Whoever takes it on runs it (<see cref="SegmentWork.Run"/>), on any thread, and hands it back to
    /// <see cref="Finish"/> or <see cref="Abandon"/> on the thread that applies events. Searches and events go on
    /// meanwhile. It costs next to nothing to ask after every event.
    /// </summary>
    public SegmentWork? BeginWork()
    {
        if (_underWay is not null || !_due)
        {
            return null;
        }

        if (Array.Find(_views, view => view.Segment is { IsClosed: true, IsSealed: false }) is { } closed)
        {
            return _underWay = new SegmentPacking(closed.Segment);
        }

        if (MergePolicy.Due(_views, _options) is { Length: > 0 } sources)
        {
            _changed = [];
            return _underWay = new SegmentMerge(sources, _documents, _options.Analyzer);
        }

        _due = false;
        return null;
    }

    /// <summary>Takes over what work that has run came to; what was deleted, replaced or restricted meanwhile stays so.</summary>
    /// <exception cref="ArgumentException">It is not the work under way, or it has not run to its end.</exception>
    public void Finish(SegmentWork work)
    {
        ArgumentNullException.ThrowIfNull(work);
        if (work != _underWay || !work.IsDone)
        {
            throw new ArgumentException("Only work that is under way and has run to its end can be finished.", nameof(work));
        }

        var changed = _changed;
        (_underWay, _changed) = (null, null);
        if (work is SegmentPacking packing)
        {
            packing.Segment.Seal(packing.Packed);
        }
        else if (work is SegmentMerge merge)
        {
            Replace(merge, changed!);
        }

        _due = true;
        Publish();
    }

    /// <summary>Gives up work that failed or was cancelled: everything stays as it is until segments change again.</summary>
    /// <exception cref="ArgumentException">It is not the work under way.</exception>
    public void Abandon(SegmentWork work)
    {
        if (work != _underWay)
        {
            throw new ArgumentException("Only work that is under way can be given up.", nameof(work));
        }

        (_underWay, _changed, _due) = (null, null, false);
    }

    /// <summary>The segment that takes the next document.</summary>
    private Segment OpenSegment()
    {
        if (_views.Length > 0 && _views[^1].Segment is { IsClosed: false } last)
        {
            if (last.ChunkCount < _options.MaxSegmentChunks && last.TextLength < _options.MaxSegmentText)
            {
                return last;
            }

            Close(last);
        }

        WorkUnlessInBackground();
        var segment = new Segment(_options.Analyzer);
        _views = [.. _views, SegmentView.Of(segment)];
        return segment;
    }

    private void Close(Segment segment)
    {
        if (_options.WorksInBackground && !segment.IsClosed && _views.Count(view => view.Segment is { IsClosed: true, IsSealed: false }) >= MostUnpacked)
        {
            segment.Seal();
        }

        segment.Close();
        _due = true;
    }

    /// <summary>A segment that is mostly deleted is to be rewritten; if it still grows it ends here.</summary>
    private void CloseIfSparse(Segment segment)
    {
        if (MergePolicy.IsSparse(_views[ViewOf(segment)], _options))
        {
            Close(segment);
        }
    }

    private void WorkUnlessInBackground()
    {
        while (!_options.WorksInBackground && BeginWork() is { } work)
        {
            work.Run(CancellationToken.None);
            Finish(work);
        }
    }

    /// <summary>Puts what was merged in the place of its sources.</summary>
    private void Replace(SegmentMerge merge, HashSet<DocumentId> changed)
    {
        var first = Array.FindIndex(_views, view => merge.IsFrom(view.Segment));
        _views =
        [
            .. _views[..first],
            .. merge.Merged is { } merged ? [merged] : Array.Empty<SegmentView>(),
            .. _views[first..].Where(view => !merge.IsFrom(view.Segment)),
        ];

        var documents = merge.Documents.ToBuilder();
        var gone = new List<StoredDocument>();
        var readersOf = merge.Merged?.ReadersOf ?? [];
        foreach (var document in changed)
        {
            var moved = merge.MovedOf(document);
            var now = _documents.GetValueOrDefault(document);
            if (now is not null && moved is not null && merge.IsFrom(now.Segment))
            {
                // It is where it was when the merge began: only who may read it can have changed. Nobody sees the array yet.
                documents[document] = moved with { Readers = now.Readers, AccessRevision = now.AccessRevision };
                readersOf.AsSpan(moved.Stored.First, moved.Stored.Count).Fill(SetNumber(now.Readers));
                continue;
            }

            if (moved is not null)
            {
                gone.Add(moved.Stored);
            }

            if (now is null)
            {
                documents.Remove(document);
            }
            else
            {
                documents[document] = now;
            }
        }

        _documents = documents.ToImmutable();
        if (gone.Count > 0)
        {
            Delete(merge.Merged!.Segment, gone);
        }
    }
}
