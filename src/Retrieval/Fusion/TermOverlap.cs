using RagCluster.Messages;
using RagCluster.Retrieval.Analysis;

namespace RagCluster.Retrieval.Fusion;

/// <summary>How much two passages say the same, by the share of the terms that both have (Jaccard): what <see cref="Mmr"/> compares. For one list of passages at a time; each is analysed once.</summary>
public sealed class TermOverlap(Analyzer? analyzer = null)
{
    private readonly Analyzer _analyzer = analyzer ?? Analyzer.Auto;
    private readonly Dictionary<ChunkId, HashSet<string>> _terms = [];

    /// <summary>From 0, no term in common, to 1, the same terms.</summary>
    public double Between(Passage x, Passage y)
    {
        var (xTerms, yTerms) = (TermsOf(x), TermsOf(y));
        var both = xTerms.Count(yTerms.Contains);
        var all = xTerms.Count + yTerms.Count - both;
        return all == 0 ? 0 : (double)both / all;
    }

    private HashSet<string> TermsOf(Passage passage)
    {
        if (!_terms.TryGetValue(passage.Id, out var terms))
        {
            _terms[passage.Id] = terms = new HashSet<string>(StringComparer.Ordinal);
            var tokens = _analyzer.Analyze(passage.Text);
            while (tokens.MoveNext())
            {
                terms.Add(tokens.Term.ToString());
            }
        }

        return terms;
    }
}
