using RagCluster.Messages.Partitions;

namespace RagCluster.Retrieval.Queries;

/// <summary>Which terms a pattern stands for: the same ones wherever the same statistics are used.</summary>
internal static class Expansions
{
    /// <summary>The terms counted that match, the most frequent ones, at most <see cref="TermPattern.MostTerms"/>.</summary>
    public static IReadOnlyList<string> Of(TermPattern pattern, TermStatistics global) => MostFrequent(
        global.DocumentFrequency.Where(pair => pair.Value > 0 && !IsMetadata(pair.Key) && pattern.Matches(pair.Key)));

    public static IReadOnlyList<string> MostFrequent(IEnumerable<KeyValuePair<string, long>> counted) =>
        [.. counted.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal).Take(TermPattern.MostTerms).Select(pair => pair.Key)];

    private static bool IsMetadata(string term) => term.StartsWith(Index.MetadataTerm.Mark);
}
