using RagCluster.Messages;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Fusion;

/// <summary>
/// Puts a lexical and a vector ranking together by their scores, each divided by its greatest:
/// score(d) = (1 - w) * bm25(d) / max bm25 + w * max(0, cosine(d)) / max cosine. A passage that one ranking lacks gets
/// nothing from it. Where one ranker is clearly the better one this keeps its margins, which ranks throw away
/// (Bruch, Gai, Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", 2023).
/// </summary>
public static class ScoreFusion
{
    public const double DefaultVectorWeight = 0.2;

    /// <summary>The best <paramref name="limit"/> passages of either ranking; equal scores in the order of <see cref="ChunkOrder"/>.</summary>
    /// <param name="vectorWeight">From 0, words alone, to 1, vectors alone.</param>
    public static IReadOnlyList<ScoredPassage> Fuse(
        IReadOnlyList<ScoredPassage> lexical, IReadOnlyList<ScoredPassage> vector, int limit, double vectorWeight = DefaultVectorWeight)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(vectorWeight, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(vectorWeight, 1);
        var scores = new Dictionary<ChunkId, (Passage Passage, double Score)>();
        Add(lexical, 1 - vectorWeight);
        Add(vector, vectorWeight);
        return [.. scores.Values
            .OrderByDescending(entry => entry.Score)
            .ThenBy(entry => entry.Passage.Id, ChunkOrder.Instance)
            .Take(limit)
            .Select(entry => new ScoredPassage(entry.Passage, entry.Score))];

        void Add(IReadOnlyList<ScoredPassage> ranking, double weight)
        {
            var greatest = ranking.Select(passage => passage.Score).DefaultIfEmpty(0).Max();
            foreach (var (passage, score) in ranking)
            {
                var share = greatest > 0 ? Math.Max(0, score) / greatest * weight : 0;
                var before = scores.TryGetValue(passage.Id, out var seen) ? seen.Score : 0;
                scores[passage.Id] = (passage, before + share);
            }
        }
    }
}
