using RagCluster.Messages;

namespace RagCluster.Retrieval.Fusion;

/// <summary>
/// Maximal marginal relevance (Carbonell, Goldstein, "The use of MMR, diversity-based reranking for reordering
/// documents and producing summaries", 1998): picks one passage after the other, each time the one with the greatest
/// lambda * relevance - (1 - lambda) * its greatest similarity to those picked.
/// </summary>
public static class Mmr
{
    /// <param name="ranking">Best first; relevance is the score divided by the greatest.</param>
    /// <param name="similarity">Of two passages, from 0, nothing in common, to 1, the same.</param>
    /// <param name="lambda">From 0, variety alone, to 1, relevance alone.</param>
    /// <returns>At most <paramref name="limit"/> passages in the order picked, with their own scores. Of equals the one ranked higher is picked.</returns>
    public static IReadOnlyList<ScoredPassage> Rerank(
        IReadOnlyList<ScoredPassage> ranking, Func<Passage, Passage, double> similarity, int limit, double lambda = 0.7)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(lambda, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(lambda, 1);
        var greatest = ranking.Select(passage => passage.Score).DefaultIfEmpty(0).Max();
        var left = ranking.ToList();
        var nearest = left.ConvertAll(_ => 0.0);
        var picked = new List<ScoredPassage>();
        while (left.Count > 0 && picked.Count < limit)
        {
            var (best, bestValue) = (0, double.NegativeInfinity);
            for (var i = 0; i < left.Count; i++)
            {
                var relevance = greatest > 0 ? left[i].Score / greatest : 0;
                var value = (lambda * relevance) - ((1 - lambda) * nearest[i]);
                if (value > bestValue)
                {
                    (best, bestValue) = (i, value);
                }
            }

            var pick = left[best];
            picked.Add(pick);
            left.RemoveAt(best);
            nearest.RemoveAt(best);
            for (var i = 0; i < left.Count; i++)
            {
                nearest[i] = Math.Max(nearest[i], similarity(pick.Passage, left[i].Passage));
            }
        }

        return picked;
    }
}
