using RagCluster.Messages;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Fusion;

/// <summary>
/// Puts a lexical and a vector ranking together by their scores, each brought to the range from 0 to 1:
/// score(d) = (1 - w) * n(bm25(d)) + w * n(cosine(d)), n(s) = (s - floor) / (greatest - floor). A passage that one ranking
/// lacks gets nothing from it. Where one ranker is clearly the better one this keeps its margins, which ranks throw away
/// (Bruch, Gai, Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval", 2023).
/// </summary>
/// <remarks>
/// The floor is what a passage that the ranking lacks may at most have. A ranking shorter than the other was not cut
/// off: what it lacks has no match at all, and its floor is 0. Any other was cut at its last passage, whose score is the
/// floor; were it 0 there too, just missing the cut would cost as much as having nothing in common with the query
/// (measured: up to 0.02 nDCG@10).
/// </remarks>
public static class ScoreFusion
{
    public const double DefaultVectorWeight = 0.15;

    /// <summary>The best <paramref name="limit"/> passages of either ranking; equal scores in the order of <see cref="ChunkOrder"/>.</summary>
    /// <param name="lexical">As many as were found, up to the same number as of <paramref name="vector"/>; best first.</param>
    /// <param name="vectorWeight">From 0, words alone, to 1, vectors alone.</param>
    public static IReadOnlyList<ScoredPassage> Fuse(
        IReadOnlyList<ScoredPassage> lexical, IReadOnlyList<ScoredPassage> vector, int limit, double vectorWeight = DefaultVectorWeight)
    {
        return [.. Parts(lexical, vector, vectorWeight)
            .Select(entry => new ScoredPassage(entry.Passage, entry.Lexical + entry.Vector))
            .OrderByDescending(entry => entry.Score)
            .ThenBy(entry => entry.Passage.Id, ChunkOrder.Instance)
            .Take(limit)];
    }

    /// <summary>Every passage of either ranking, in no particular order, with what each ranking adds to its score.</summary>
    public static IReadOnlyList<FusedParts> Parts(IReadOnlyList<ScoredPassage> lexical, IReadOnlyList<ScoredPassage> vector, double vectorWeight = DefaultVectorWeight)
    {
        ArgumentNullException.ThrowIfNull(lexical);
        ArgumentNullException.ThrowIfNull(vector);
        ArgumentOutOfRangeException.ThrowIfLessThan(vectorWeight, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(vectorWeight, 1);
        var parts = new Dictionary<ChunkId, FusedParts>();
        foreach (var (passage, share) in Shares(lexical, vector.Count, 1 - vectorWeight))
        {
            parts[passage.Id] = new FusedParts(passage, share, 0);
        }

        foreach (var (passage, share) in Shares(vector, lexical.Count, vectorWeight))
        {
            parts[passage.Id] = new FusedParts(passage, parts.TryGetValue(passage.Id, out var seen) ? seen.Lexical : 0, share);
        }

        return [.. parts.Values];
    }

    private static IEnumerable<(Passage Passage, double Share)> Shares(IReadOnlyList<ScoredPassage> ranking, int others, double weight)
    {
        if (ranking.Count == 0)
        {
            yield break;
        }

        var greatest = ranking.Max(passage => passage.Score);
        var least = ranking.Min(passage => passage.Score);
        var floor = ranking.Count >= others && least < greatest ? Math.Max(0, least) : 0;
        foreach (var (passage, score) in ranking)
        {
            yield return (passage, greatest > floor ? Math.Max(0, score - floor) / (greatest - floor) * weight : 0);
        }
    }
}

/// <summary>A passage with what each ranking adds to its fused score.</summary>
public sealed record FusedParts(Passage Passage, double Lexical, double Vector);
