using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Scoring;

namespace RagCluster.Retrieval.Index;

/// <summary>Counts values of metadata among the chunks that a search lets through and that have a term of it; among all that it lets through, where it has no terms.</summary>
internal sealed class FacetCounter
{
    /// <summary>Of a key, the most frequent values.</summary>
    public const int MostValues = 1000;

    private readonly Bm25 _bm25;
    private readonly Dictionary<string, Dictionary<string, long>> _counts = new(StringComparer.Ordinal);

    public FacetCounter(IReadOnlyList<string> keys, Bm25 bm25)
    {
        _bm25 = bm25;
        foreach (var key in keys)
        {
            _counts[key] = new Dictionary<string, long>(StringComparer.Ordinal);
        }
    }

    public void Add(SegmentView view, ReadOnlySpan<ulong> allowed)
    {
        var among = allowed.ToArray();
        if (_bm25.Terms.Count > 0)
        {
            var having = new ulong[Bitmap.WordsFor(view.Count)];
            foreach (var term in _bm25.Terms)
            {
                view.Postings(term.Term)?.AddTo(having, term.Field);
            }

            if (among.Length > 0)
            {
                Bitmap.And(having, among);
            }

            among = having;
        }

        foreach (var (key, counts) in _counts)
        {
            MetadataFilter.Count(view, key, among, counts);
        }
    }

    public Dictionary<string, IReadOnlyList<FacetValue>> Counts() => _counts.ToDictionary(pair => pair.Key, pair => MostFrequent(pair.Value, MostValues), StringComparer.Ordinal);

    public static IReadOnlyList<FacetValue> MostFrequent(IEnumerable<KeyValuePair<string, long>> counts, int most) =>
        [.. counts.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal).Take(most).Select(pair => new FacetValue(pair.Key, pair.Value))];
}
