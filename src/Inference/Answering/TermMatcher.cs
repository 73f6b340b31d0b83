using RagCluster.Inference.Language;

namespace RagCluster.Inference.Answering;

/// <summary>How well a term is matched, from 0 (not at all) to 1, and at which position.</summary>
internal readonly record struct TermMatch(double Value, int At);

/// <summary>Matches a question's terms with those of texts: by stem, by meaning, or as one word misspelt.</summary>
internal sealed class TermMatcher(IReadOnlyList<Term> question, AnswererWeights weights)
{
    public IReadOnlyList<Term> Question { get; } = question;

    /// <summary>The best match of each of the question's terms; all 0 for no text.</summary>
    public TermMatch[] Match(List<Term>? terms)
    {
        var matches = new TermMatch[Question.Count];
        for (var i = 0; terms is not null && i < matches.Length; i++)
        {
            foreach (var term in terms)
            {
                var value = Match(Question[i], term);
                if (value > matches[i].Value)
                {
                    matches[i] = new TermMatch(value, term.Position);
                }
            }
        }

        return matches;
    }

    public bool MatchesAny(Term term)
    {
        foreach (var asked in Question)
        {
            if (Match(asked, term) > 0)
            {
                return true;
            }
        }

        return false;
    }

    private double Match(Term asked, Term term) =>
        asked.Stem == term.Stem ? 1
        : asked.Meaning != 0 && asked.Meaning == term.Meaning ? weights.Synonym
        : Spelling.IsNear(asked.Word, term.Word) ? weights.Misspelt
        : 0;
}
