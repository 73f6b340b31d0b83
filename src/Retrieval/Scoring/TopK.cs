using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Scoring;

/// <summary>A chunk of one of a reader's views, with its score.</summary>
internal readonly record struct Hit(double Score, int View, int Chunk);

/// <summary>
/// Keeps the best k hits: a binary heap with the worst on top. Equal scores are ordered by chunk id, so the result
/// does not depend on the order of arrival, nor on how chunks are spread over segments and partitions.
/// </summary>
internal sealed class TopK(int k, SegmentView[] views)
{
    private readonly List<Hit> _heap = new(Math.Min(k, 1024));

    /// <summary>A hit below this score cannot get in; one that equals it may.</summary>
    public double Threshold { get; private set; } = double.NegativeInfinity;

    public void Offer(Hit hit)
    {
        if (_heap.Count < k)
        {
            _heap.Add(hit);
            SiftUp(_heap.Count - 1);
        }
        else if (k > 0 && IsWorse(_heap[0], hit))
        {
            _heap[0] = hit;
            SiftDown();
        }

        if (_heap.Count == k && k > 0)
        {
            Threshold = _heap[0].Score;
        }
    }

    /// <summary>The hits, best first.</summary>
    public IReadOnlyList<Hit> Ranked()
    {
        var ranked = _heap.ToArray();
        Array.Sort(ranked, (x, y) => IsWorse(x, y) ? 1 : IsWorse(y, x) ? -1 : 0);
        return ranked;
    }

    private bool IsWorse(in Hit x, in Hit y) =>
        x.Score != y.Score ? x.Score < y.Score : ChunkOrder.Compare(views[x.View].Chunks[x.Chunk], views[y.View].Chunks[y.Chunk]) > 0;

    private void SiftUp(int at)
    {
        while (at > 0)
        {
            var parent = (at - 1) / 2;
            if (!IsWorse(_heap[at], _heap[parent]))
            {
                return;
            }

            (_heap[at], _heap[parent]) = (_heap[parent], _heap[at]);
            at = parent;
        }
    }

    private void SiftDown()
    {
        var at = 0;
        while (true)
        {
            var worst = at;
            for (var child = (2 * at) + 1; child <= (2 * at) + 2 && child < _heap.Count; child++)
            {
                if (IsWorse(_heap[child], _heap[worst]))
                {
                    worst = child;
                }
            }

            if (worst == at)
            {
                return;
            }

            (_heap[at], _heap[worst]) = (_heap[worst], _heap[at]);
            at = worst;
        }
    }
}
