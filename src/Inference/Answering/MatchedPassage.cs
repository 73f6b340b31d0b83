using RagCluster.Messages;

namespace RagCluster.Inference.Answering;

/// <summary>A passage's sentences with how each of them, and what stands above them, matches the question.</summary>
internal sealed class MatchedPassage
{
    public MatchedPassage(Passage passage, int index, TermMatcher matcher)
    {
        Index = index;
        Sentences = SentenceReader.Read(passage, index);
        Title = matcher.Match(Terms.Of(string.Join('\n', passage.Headings.SkipLast(1).Prepend(passage.Title))));
        Section = matcher.Match(passage.Headings.Count > 0 ? Terms.Of(passage.Headings[^1]) : null);
        BySentence = [.. Sentences.Select(sentence => WithRanges(sentence, matcher))];
        Headings = [.. Sentences.Select(sentence => matcher.Match(sentence.Heading))];
        Anywhere = new double[matcher.Question.Count];
        foreach (var matches in BySentence)
        {
            for (var i = 0; i < matches.Length; i++)
            {
                Anywhere[i] = Math.Max(Anywhere[i], matches[i].Value);
            }
        }
    }

    /// <summary>From 0.</summary>
    public int Index { get; }

    public List<CandidateSentence> Sentences { get; }

    /// <summary>Matches in the title and the outer headings.</summary>
    public TermMatch[] Title { get; }

    /// <summary>Matches in the innermost heading.</summary>
    public TermMatch[] Section { get; }

    /// <summary>Matches in each sentence.</summary>
    public TermMatch[][] BySentence { get; }

    /// <summary>Matches in the line that introduces each sentence.</summary>
    public TermMatch[][] Headings { get; }

    /// <summary>The best match of each term in any sentence.</summary>
    public double[] Anywhere { get; }

    /// <summary>The best match of a term in the sentence before or after.</summary>
    public double Near(int sentence, int term) => Math.Max(
        sentence > 0 ? BySentence[sentence - 1][term].Value : 0,
        sentence + 1 < BySentence.Length ? BySentence[sentence + 1][term].Value : 0);

    private static TermMatch[] WithRanges(CandidateSentence sentence, TermMatcher matcher)
    {
        var matches = matcher.Match(sentence.Terms);
        for (var i = 0; i < matches.Length; i++)
        {
            if (matches[i].Value < 1 && matcher.Question[i].IsNumber && NumberRanges.TryParse(matcher.Question[i].Word, out var number))
            {
                matches[i] = matches[i] with { Value = Math.Max(matches[i].Value, sentence.Ranges.Match(number)) };
            }
        }

        return matches;
    }
}
