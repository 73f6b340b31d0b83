using RagCluster.Messages;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Fusion;

/// <summary>A ranking to be fused, best first, and how much its ranks count.</summary>
public sealed record Ranking(IReadOnlyList<ScoredPassage> Passages, double Weight = 1);

/// <summary>
/// Puts rankings together by rank alone: score(d) = sum over rankings of weight / (k + rank(d)), ranks from 1
/// (Cormack, Clarke, Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods", 2009).
/// </summary>
public static class ReciprocalRankFusion
{
    /// <summary>The paper's constant.</summary>
    public const int DefaultK = 60;

    /// <summary>The best <paramref name="limit"/> passages; equal scores in the order of <see cref="ChunkOrder"/>.</summary>
    public static IReadOnlyList<ScoredPassage> Fuse(IEnumerable<Ranking> rankings, int limit, int k = DefaultK)
    {
        var scores = new Dictionary<ChunkId, (Passage Passage, double Score)>();
        foreach (var ranking in rankings)
        {
            var rank = 0;
            foreach (var (passage, _) in ranking.Passages)
            {
                rank++;
                var before = scores.TryGetValue(passage.Id, out var seen) ? seen.Score : 0;
                scores[passage.Id] = (passage, before + (ranking.Weight / (k + rank)));
            }
        }

        return [.. scores.Values
            .OrderByDescending(entry => entry.Score)
            .ThenBy(entry => entry.Passage.Id, ChunkOrder.Instance)
            .Take(limit)
            .Select(entry => new ScoredPassage(entry.Passage, entry.Score))];
    }

    /// <summary>What a ranking adds to the score of the passage that it has at a rank, counted from 1; nothing where it lacks it.</summary>
    public static double Part(int? rank, double weight = 1, int k = DefaultK) => rank is { } at ? weight / (k + at) : 0;

    /// <summary>Merges rankings of the same kind from several partitions, whose scores are comparable.</summary>
    public static IReadOnlyList<ScoredPassage> Merge(IEnumerable<IReadOnlyList<ScoredPassage>> partitions, int limit) =>
        [.. partitions
            .SelectMany(passages => passages)
            .OrderByDescending(passage => passage.Score)
            .ThenBy(passage => passage.Passage.Id, ChunkOrder.Instance)
            .Take(limit)];
}
