namespace RagCluster.Retrieval.Index;

/// <summary>
/// Which segments are rewritten, so that searches look into few, and garbage stays below the living. What it costs is
/// bounded: one merge is at most a full segment's worth of chunks and of text, and of two segments the smaller is at least half
/// as large as the other, so a chunk is moved no more often than segments grow by half until they are full, and once
/// more for each time that as many chunks as live beside it were deleted.
/// </summary>
internal static class MergePolicy
{
    /// <summary>The segments to put together next, or the one to be freed of its deleted chunks; empty where there is nothing to be done.</summary>
    public static SegmentView[] Due(IReadOnlyList<SegmentView> views, IndexOptions options)
    {
        var closed = views.Where(view => view.Segment.IsSealed).ToArray();
        if (Array.Find(closed, view => IsSparse(view, options)) is { } sparse)
        {
            return [sparse];
        }

        // The two smallest: restarts leave segments that are not full.
        return closed.OrderBy(view => view.LiveCount).Take(2).ToArray() is [var small, var next]
            && small.LiveCount + next.LiveCount <= options.MaxSegmentChunks
            && small.Segment.TextLength + next.Segment.TextLength <= options.MaxSegmentText
            && small.LiveCount * 2 >= next.LiveCount
            ? [small, next]
            : [];
    }

    public static bool IsSparse(SegmentView view, IndexOptions options) =>
        view.DeletedCount >= options.MinDeletedToRewrite && view.DeletedCount * 2 > view.Count;
}
