namespace RagCluster.Retrieval.Vectors;

/// <summary>The best k of what is offered; of equal scores the lower ids.</summary>
internal sealed class NearestHits(int k)
{
    private readonly PriorityQueue<Neighbour, (double Score, int Before)> _worstFirst = new();

    public void Offer(int id, double score)
    {
        if (_worstFirst.Count < k)
        {
            _worstFirst.Enqueue(new Neighbour(id, score), (score, -id));
        }
        else if (k > 0)
        {
            _worstFirst.EnqueueDequeue(new Neighbour(id, score), (score, -id));
        }
    }

    public IReadOnlyList<Neighbour> Ranked() => [.. _worstFirst.UnorderedItems.Select(item => item.Element).OrderByDescending(hit => hit.Score).ThenBy(hit => hit.Id)];
}
