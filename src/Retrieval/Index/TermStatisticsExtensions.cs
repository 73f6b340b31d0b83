using RagCluster.Messages.Partitions;

namespace RagCluster.Retrieval.Index;

public static class TermStatisticsExtensions
{
    /// <summary>What one index over all of the partitions' chunks would say.</summary>
    public static TermStatistics Sum(this IEnumerable<TermStatistics> partitions)
    {
        var documents = 0L;
        var lengths = new Dictionary<string, long>(StringComparer.Ordinal);
        var frequencies = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var partition in partitions)
        {
            documents += partition.Documents;
            Add(lengths, partition.TotalLength);
            Add(frequencies, partition.DocumentFrequency);
        }

        return new TermStatistics(documents, lengths, frequencies);
    }

    private static void Add(Dictionary<string, long> sums, IReadOnlyDictionary<string, long> counts)
    {
        foreach (var (key, count) in counts)
        {
            sums[key] = sums.GetValueOrDefault(key) + count;
        }
    }
}
