using RagCluster.Inference.Prompting;
using RagCluster.Messages.Text;

namespace RagCluster.Inference.Answering;

/// <summary>A sentence taken from a passage.</summary>
/// <param name="N">The passage's number, from 1.</param>
/// <param name="Span">Where it stands in the passage's text.</param>
/// <param name="Text">As it stands in the answer: without list marks, a table row with its headers.</param>
internal sealed record AnswerSentence(int N, TextSpan Span, string Text, bool IsListItem, bool IsRow);

/// <param name="Sentences">In reading order; empty when the passages do not answer.</param>
/// <param name="Coverage">How much of what the question says the best sentence and what stands around it say, 0 to 1.</param>
internal sealed record ExtractedAnswer(IReadOnlyList<AnswerSentence> Sentences, double Coverage);

/// <summary>
/// Answers by quoting: it scores every sentence of the passages by how much of the question it covers, by words, stems
/// and near-synonyms, and by whether it holds the kind of thing asked for; it takes the best, leaves out repetitions, and
/// abstains if even the best says too little of what was asked. Pure: the same prompt gives the same answer.
/// </summary>
internal sealed class ExtractiveAnswerer(AnswererWeights weights)
{
    public ExtractedAnswer Answer(GroundedPrompt prompt)
    {
        var question = QuestionReader.Read(prompt.Question);
        if (question.Terms.Count == 0 || prompt.Passages.Count == 0)
        {
            return new ExtractedAnswer([], 0);
        }

        var matcher = new TermMatcher(question.Terms, weights);
        var passages = prompt.Passages.Select((passage, index) => new MatchedPassage(passage, index, matcher)).ToList();
        var scored = new SentenceScorer(question, passages, weights).Score();
        if (scored.Count == 0)
        {
            return new ExtractedAnswer([], 0);
        }

        scored.Sort((a, b) => b.Score != a.Score
            ? b.Score.CompareTo(a.Score)
            : (a.Sentence.PassageIndex, a.Sentence.Index).CompareTo((b.Sentence.PassageIndex, b.Sentence.Index)));
        var best = scored[0];
        return best.Coverage < weights.MinCoverage
            ? new ExtractedAnswer([], best.Coverage)
            : new ExtractedAnswer(InReadingOrder(Choose(question, scored, passages)), best.Coverage);
    }

    private List<CandidateSentence> Choose(Question question, List<ScoredSentence> scored, List<MatchedPassage> passages)
    {
        var best = scored[0].Sentence;
        var chosen = new List<CandidateSentence> { best };
        if (best.IsListItem && question.Wants is AnswerKinds.List or AnswerKinds.None or AnswerKinds.Manner)
        {
            AddItems(chosen, best, passages[best.PassageIndex], weights.MaxListItems);
            return chosen;
        }

        var first = best;
        if (StartsOpen(best.Text) && Before(best, passages) is { } before)
        {
            chosen.Add(before);
            first = before;
        }

        if (Before(first, passages) is { IsFragment: true } name)
        {
            chosen.Add(name);
        }

        foreach (var candidate in scored.Skip(1))
        {
            if (chosen.Count >= weights.MaxSentences || candidate.Score < scored[0].Score * weights.Further || candidate.Coverage < weights.MinCoverage)
            {
                break;
            }

            // Of a table's rows only those that fit as well as the best.
            if (best.IsRow && candidate.Sentence.IsRow && candidate.Coverage < scored[0].Coverage - 0.01)
            {
                continue;
            }

            if (!MissesNumber(question, best, candidate.Sentence) && !chosen.Exists(c => Repeats(c, candidate.Sentence)))
            {
                chosen.Add(candidate.Sentence);
            }
        }

        return chosen;
    }

    private static CandidateSentence? Before(CandidateSentence sentence, List<MatchedPassage> passages) =>
        sentence.Index > 0 && passages[sentence.PassageIndex].Sentences[sentence.Index - 1] is { Answers: true, IsRow: false } before ? before : null;

    /// <summary>The items of the list that <paramref name="best"/> stands in.</summary>
    private static void AddItems(List<CandidateSentence> chosen, CandidateSentence best, MatchedPassage passage, int most)
    {
        var first = best.Index;
        while (first > 0 && passage.Sentences[first - 1].IsListItem)
        {
            first--;
        }

        for (var i = first; i < passage.Sentences.Count && passage.Sentences[i].IsListItem && chosen.Count < most; i++)
        {
            if (passage.Sentences[i] != best && passage.Sentences[i].Answers)
            {
                chosen.Add(passage.Sentences[i]);
            }
        }
    }

    /// <summary>The best sentence's passage first; within a passage as it was written.</summary>
    private static List<AnswerSentence> InReadingOrder(List<CandidateSentence> chosen)
    {
        var passages = chosen.Select(c => c.PassageIndex).Distinct().ToList();
        return [.. chosen
            .OrderBy(c => passages.IndexOf(c.PassageIndex))
            .ThenBy(c => c.Index)
            .Select(c => new AnswerSentence(c.PassageIndex + 1, c.Span, c.Text, c.IsListItem, c.IsRow))];
    }

    /// <summary>Asked about year 3, the row of year 2 is no addition to that of year 3.</summary>
    private static bool MissesNumber(Question question, CandidateSentence best, CandidateSentence other) =>
        question.Terms.Any(t => t.IsNumber && best.Terms.Exists(o => o.Stem == t.Stem) && !other.Terms.Exists(o => o.Stem == t.Stem));

    private static bool Repeats(CandidateSentence one, CandidateSentence other)
    {
        var stems = one.Terms.Select(t => t.Stem).ToHashSet();
        var shared = other.Terms.Select(t => t.Stem).Distinct().Count(stems.Contains);
        return shared >= 0.75 * Math.Min(stems.Count, other.Terms.Select(t => t.Stem).Distinct().Count());
    }

    /// <summary>Whether the sentence points back at the one before it.</summary>
    private static bool StartsOpen(string text)
    {
        var end = text.IndexOfAny([' ', ',']);
        return end > 0 && text[..end].ToLowerInvariant() is "it" or "they" or "this" or "these" or "he" or "she" or "its" or "their" or "that" or "such" or "both" or "there" or "his" or "her";
    }
}
