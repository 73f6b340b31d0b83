using System.Buffers;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Scoring;

/// <summary>
/// Term at a time over windows of chunk numbers: each term of the query adds its scores to an array that stays in
/// the processor's cache, then the window is swept for scores that can still enter the top k. Terms are added in the
/// query's order, so that a chunk's score is the same sum everywhere.
/// </summary>
internal static class LexicalSearch
{
    private const int Window = 8192;

    /// <summary>Offers every chunk of the view that is allowed (all, where <paramref name="allowed"/> is empty) and has a query term.</summary>
    public static void Search(SegmentView view, int viewNumber, Bm25 bm25, ReadOnlySpan<ulong> allowed, TopK top)
    {
        var terms = bm25.Terms;
        var starts = ArrayPool<int>.Shared.Rent(Math.Max(1, terms.Count));
        var scores = ArrayPool<float>.Shared.Rent(Window);
        try
        {
            starts.AsSpan(0, terms.Count).Clear();
            for (var first = 0; first < view.Count; first += Window)
            {
                var window = scores.AsSpan(0, Math.Min(Window, view.Count - first));
                window.Clear();
                var any = false;
                for (var t = 0; t < terms.Count; t++)
                {
                    any |= AddTerm(view, bm25, terms[t], ref starts[t], first, window);
                }

                if (any)
                {
                    Sweep(window, first, viewNumber, allowed, top);
                }
            }
        }
        finally
        {
            ArrayPool<int>.Shared.Return(starts);
            ArrayPool<float>.Shared.Return(scores);
        }
    }

    private static bool AddTerm(SegmentView view, Bm25 bm25, in WeightedTerm term, ref int start, int first, Span<float> window)
    {
        var postings = view.Postings(term.Term)[start..];
        var lengths = view.Lengths;
        var weight = term.Weight;
        var count = 0;
        while (count < postings.Length)
        {
            var posting = postings[count];
            var chunk = PostingList.ChunkOf(posting);
            if (chunk - first >= window.Length)
            {
                break;
            }

            window[chunk - first] += bm25.Score(weight, PostingList.FrequenciesOf(posting), lengths, chunk);
            count++;
        }

        start += count;
        return count > 0;
    }

    private static void Sweep(ReadOnlySpan<float> window, int first, int viewNumber, ReadOnlySpan<ulong> allowed, TopK top)
    {
        for (var i = 0; i < window.Length; i++)
        {
            var score = window[i];
            if (score > 0 && score >= top.Threshold && (allowed.IsEmpty || Bitmap.Has(allowed, first + i)))
            {
                top.Offer(new Hit(score, viewNumber, first + i));
            }
        }
    }
}
