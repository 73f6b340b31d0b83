using System.Buffers;
using System.Numerics;
using System.Runtime.InteropServices;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Scoring;

/// <summary>
/// The best chunks for a query, term at a time over windows of chunk numbers, with MaxScore (Turtle, Flood, "Query
/// evaluation: strategies and optimizations", 1995).
/// </summary>
/// <remarks>
/// 1. Each term has a bound on what it can add to any chunk of the segment. Once k hits are known, the terms with the
///    lowest bounds whose sum stays below the k-th score are set aside: a chunk that has none of the other terms cannot
///    enter. As the k-th score only rises, a term set aside stays so.
/// 2. The other terms add their scores to an array, window by window, that stays in the processor's cache. Windows
///    without any of them are jumped over.
/// 3. The window is swept for chunks whose score could, with all that the terms set aside may add, still enter. Only
///    those are looked up in the lists set aside, and scored again from nothing, in the order of the query's terms, so
///    that a score has the same bits whichever terms were set aside.
/// </remarks>
internal static class LexicalSearch
{
    private const int Window = 4096;

    /// <summary>Sums in another order differ by rounding: bounds are taken to be higher by this much.</summary>
    private const float Slack = 1 + 1e-5f;

    /// <summary>Offers the chunks of the view that may be among the best, are allowed (all, where <paramref name="allowed"/> is empty) and have a query term.</summary>
    public static void Search(SegmentView view, int viewNumber, Bm25 bm25, ReadOnlySpan<ulong> allowed, TopK top)
    {
        var cursors = Cursors(view, bm25);
        if (cursors.Length == 0)
        {
            return;
        }

        var byBound = cursors.OrderBy(cursor => cursor.Bound).ToArray();
        var (aside, asideBound) = (0, 0f);
        var scores = ArrayPool<float>.Shared.Rent(Window);
        try
        {
            while (true)
            {
                while (aside < byBound.Length && (asideBound + byBound[aside].Bound) * Slack < top.Threshold)
                {
                    asideBound += byBound[aside].Bound;
                    byBound[aside++].IsAside = true;
                }

                // The next window begins where the next term that counts does; none means that nothing can enter any more.
                var first = int.MaxValue;
                foreach (var cursor in byBound.AsSpan(aside))
                {
                    first = Math.Min(first, cursor.Chunk);
                }

                if (first >= view.Count)
                {
                    return;
                }

                var window = scores.AsSpan(0, Math.Min(Window, view.Count - first));
                window.Clear();
                foreach (var cursor in cursors)
                {
                    if (!cursor.IsAside)
                    {
                        cursor.AddTo(window, first, view.Lengths, bm25);
                    }
                }

                Sweep(window, first, cursors, asideBound, aside > 0, view, viewNumber, bm25, allowed, top);
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(scores);
        }
    }

    private static Cursor[] Cursors(SegmentView view, Bm25 bm25)
    {
        var cursors = new List<Cursor>(bm25.Terms.Count);
        foreach (var term in bm25.Terms)
        {
            if (view.Segment.Terms.Find(term.Term) is { } list && list.SegmentBelow(view.Count) is { Count: > 0 } postings)
            {
                cursors.Add(new Cursor(postings, term.Weight, bm25.Bound(term.Weight, list)));
            }
        }

        return [.. cursors];
    }

    private static void Sweep(
        ReadOnlySpan<float> window, int first, Cursor[] cursors, float asideBound, bool rescore, SegmentView view, int viewNumber, Bm25 bm25, ReadOnlySpan<ulong> allowed, TopK top)
    {
        var least = Least(top, asideBound);
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(window);
        for (var block = 0; block <= vectors.Length; block++)
        {
            if (block < vectors.Length && !Vector.GreaterThanOrEqualAny(vectors[block], new Vector<float>(least)))
            {
                continue;
            }

            var end = block < vectors.Length ? (block + 1) * Vector<float>.Count : window.Length;
            for (var i = block * Vector<float>.Count; i < end; i++)
            {
                if (!(window[i] >= least) || (!allowed.IsEmpty && !Bitmap.Has(allowed, first + i)))
                {
                    continue;
                }

                var score = rescore ? Rescored(cursors, first + i, view, bm25) : window[i];
                if (score >= top.Threshold)
                {
                    top.Offer(new Hit(score, viewNumber, first + i));
                    least = Least(top, asideBound);
                }
            }
        }
    }

    /// <summary>What a chunk must have from the terms that are not set aside; always more than nothing.</summary>
    private static float Least(TopK top, float asideBound) => MathF.Max(float.Epsilon, (float)(top.Threshold / Slack) - (asideBound * Slack));

    private static float Rescored(Cursor[] cursors, int chunk, SegmentView view, Bm25 bm25)
    {
        var score = 0f;
        foreach (var cursor in cursors)
        {
            if (cursor.FrequenciesAt(chunk) is { } frequencies)
            {
                score += bm25.Score(cursor.Weight, frequencies, view.Lengths, chunk);
            }
        }

        return score;
    }

    /// <summary>A term's postings and two places in them: where the next window begins, and where chunks are looked up.</summary>
    private sealed class Cursor(ArraySegment<ulong> postings, float weight, float bound)
    {
        private int _next;
        private int _lookup;

        public float Weight => weight;

        public float Bound => bound;

        public bool IsAside { get; set; }

        /// <summary>The next chunk; the greatest number at the end.</summary>
        public int Chunk => _next < postings.Count ? PostingList.ChunkOf(postings[_next]) : int.MaxValue;

        public void AddTo(Span<float> window, int first, in Lengths lengths, Bm25 bm25)
        {
            var items = postings.AsSpan();
            var at = _next;
            for (; at < items.Length; at++)
            {
                var chunk = PostingList.ChunkOf(items[at]);
                if (chunk - first >= window.Length)
                {
                    break;
                }

                window[chunk - first] += bm25.Score(weight, PostingList.FrequenciesOf(items[at]), lengths, chunk);
            }

            _next = at;
        }

        /// <summary>Looks a chunk up that is not before the one looked up last: by steps that double, then by halves.</summary>
        public Frequencies? FrequenciesAt(int chunk)
        {
            var items = postings.AsSpan();
            var (low, step) = (_lookup, 1);
            while (low + step < items.Length && PostingList.ChunkOf(items[low + step]) < chunk)
            {
                low += step;
                step *= 2;
            }

            var high = Math.Min(items.Length, low + step + 1);
            _lookup = low + PostingList.FirstAtOrAfter(items[low..high], chunk);
            return _lookup < items.Length && PostingList.ChunkOf(items[_lookup]) == chunk ? PostingList.FrequenciesOf(items[_lookup]) : null;
        }
    }
}
