using RagCluster.Inference.Answering;

namespace RagCluster.Inference.Tests.Evaluation;

/// <summary>A plain BM25 (k1 = 1.2, b = 0.75) over stems, to compare with: S. Robertson, H. Zaragoza, 2009.</summary>
internal sealed class Bm25
{
    private readonly Dictionary<ulong, List<(int Text, int Count)>> _postings = [];
    private readonly int[] _lengths;
    private readonly double _average;

    public Bm25(IReadOnlyList<string> texts)
    {
        _lengths = new int[texts.Count];
        for (var i = 0; i < texts.Count; i++)
        {
            var terms = Terms.Of(texts[i]);
            _lengths[i] = terms.Count;
            foreach (var group in terms.GroupBy(t => t.Stem))
            {
                if (!_postings.TryGetValue(group.Key, out var postings))
                {
                    _postings[group.Key] = postings = [];
                }

                postings.Add((i, group.Count()));
            }
        }

        _average = Math.Max(1, _lengths.Average());
    }

    public double[] Score(string query)
    {
        var scores = new double[_lengths.Length];
        foreach (var term in Terms.Of(query))
        {
            if (_postings.TryGetValue(term.Stem, out var postings))
            {
                var idf = Math.Log(1 + ((_lengths.Length - postings.Count + 0.5) / (postings.Count + 0.5)));
                foreach (var (text, count) in postings)
                {
                    scores[text] += idf * count * 2.2 / (count + (1.2 * (0.25 + (0.75 * _lengths[text] / _average))));
                }
            }
        }

        return scores;
    }

    public static List<int> Top(double[] scores, int k) =>
        [.. Enumerable.Range(0, scores.Length).Where(i => scores[i] > 0).OrderByDescending(i => scores[i]).ThenBy(i => i).Take(k)];
}
