using RagCluster.Messages;

namespace RagCluster.Retrieval.Fusion;

/// <summary>From passages to documents: each document by its best passage (maxP; Dai, Callan, "Deeper Text Understanding for IR with Contextual Neural Language Modeling", 2019).</summary>
public static class DocumentRollUp
{
    /// <param name="ranking">Best first.</param>
    /// <returns>The first <paramref name="limit"/> passages that are the best of their document, in the same order.</returns>
    public static IReadOnlyList<ScoredPassage> BestOfEach(IEnumerable<ScoredPassage> ranking, int limit) =>
        [.. ranking.DistinctBy(passage => passage.Passage.Document).Take(limit)];
}
