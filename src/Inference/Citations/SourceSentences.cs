using RagCluster.Inference.Answering;
using RagCluster.Inference.Language;
using RagCluster.Messages;
using RagCluster.Messages.Text;

namespace RagCluster.Inference.Citations;

/// <summary>A passage's sentences, to find the one that supports a claim.</summary>
internal sealed class SourceSentences(Passage passage)
{
    /// <summary>Two neighbouring sentences must support a claim by this much more than one alone.</summary>
    private const double PairGain = 0.15;

    private readonly List<(TextSpan Span, string Plain, List<Term> Terms)> _sentences =
        [.. PassageSentences.Split(passage.Text).Select(span => (span, SentenceReader.Plain(span.Of(passage.Text)), Terms.Of(span.Of(passage.Text))))];

    /// <summary>The span of the passage's text that holds most of the claim; null if none holds the least share.</summary>
    public TextSpan? Find(string claim, double minSupport)
    {
        var plain = SentenceReader.Plain(claim);
        var terms = Terms.Of(plain);
        if (terms.Count == 0)
        {
            return null;
        }

        var best = (Score: 0.0, Support: 0.0, Span: default(TextSpan));
        for (var i = 0; i < _sentences.Count; i++)
        {
            if (_sentences[i].Plain.Length > 0 && _sentences[i].Plain == plain)
            {
                return _sentences[i].Span;
            }

            var (score, support) = Overlap(terms, _sentences[i].Terms);
            if (score > best.Score)
            {
                best = (score, support, _sentences[i].Span);
            }
        }

        for (var i = 0; i + 1 < _sentences.Count; i++)
        {
            var (score, support) = Overlap(terms, [.. _sentences[i].Terms, .. _sentences[i + 1].Terms]);
            if (score > best.Score + PairGain)
            {
                best = (score, support, new TextSpan(_sentences[i].Span.Start, _sentences[i + 1].Span.End));
            }
        }

        return best.Support >= minSupport ? best.Span : null;
    }

    /// <summary>How much of the claim the sentence holds, and a score that also prefers sentences that say little else.</summary>
    private static (double Score, double Support) Overlap(List<Term> claim, List<Term> sentence)
    {
        if (sentence.Count == 0)
        {
            return (0, 0);
        }

        double total = 0, held = 0;
        foreach (var term in claim)
        {
            var weight = term.Weight * (term.IsNumber ? 1.5 : 1);
            total += weight;
            held += weight * (sentence.Exists(t => t.Stem == term.Stem) ? 1
                : term.Meaning != 0 && sentence.Exists(t => t.Meaning == term.Meaning) ? 0.7
                : sentence.Exists(t => Spelling.IsNear(t.Word, term.Word)) ? 0.7
                : 0);
        }

        var shared = sentence.Count(t => claim.Exists(c => c.Stem == t.Stem));
        var support = held / total;
        return ((0.8 * support) + (0.2 * shared / sentence.Count), support);
    }
}
