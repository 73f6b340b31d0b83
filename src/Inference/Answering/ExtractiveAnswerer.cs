using RagCluster.Inference.Language;
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

/// <summary>Constants of the answerer, found on questions about encyclopedia paragraphs (see docs of the evaluation tests).</summary>
internal sealed record AnswererWeights
{
    /// <summary>Below this coverage the answerer abstains.</summary>
    public double MinCoverage { get; init; } = 0.48;

    /// <summary>What a term counts that is not in the sentence but in the line that introduces it.</summary>
    public double InHeading { get; init; } = 0.85;

    /// <summary>... in the innermost of the passage's headings.</summary>
    public double InSection { get; init; } = 0.75;

    /// <summary>... in the passage's title or its other headings.</summary>
    public double InTitle { get; init; } = 0.6;

    /// <summary>... in the sentence before or after.</summary>
    public double InNeighbour { get; init; } = 0.4;

    /// <summary>... elsewhere in the passage.</summary>
    public double InPassage { get; init; } = 0.2;

    /// <summary>Added for terms in the sentence itself or in what heads it.</summary>
    public double Own { get; init; } = 0.3;

    public double Synonym { get; init; } = 0.7;

    public double Misspelt { get; init; } = 0.8;

    /// <summary>Added where the sentence holds the kind of thing that is asked for.</summary>
    public double Kind { get; init; } = 0.18;

    /// <summary>Added for terms that follow each other as in the question.</summary>
    public double Pair { get; init; } = 0.2;

    /// <summary>Added to the first passage's sentences, shrinking with rank.</summary>
    public double Rank { get; init; } = 0.08;

    /// <summary>Added to what comes first below its heading, as far as the heading is about the question.</summary>
    public double First { get; init; } = 0.1;

    /// <summary>Taken off for a condition ("if", "unless") of which the question says nothing.</summary>
    public double Condition { get; init; } = 0.2;

    /// <summary>A further sentence must reach this share of the best one's score.</summary>
    public double Further { get; init; } = 0.82;

    public int MaxSentences { get; init; } = 3;

    public int MaxListItems { get; init; } = 8;
}

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

        var passages = prompt.Passages.Select((passage, index) => new PassageView(passage, index)).ToList();
        var termWeights = Informativeness(question, passages);
        var scored = new List<Scored>();
        foreach (var passage in passages)
        {
            foreach (var sentence in passage.Sentences)
            {
                if (sentence.Answers)
                {
                    scored.Add(Score(question, termWeights, passage, sentence));
                }
            }
        }

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

    /// <summary>
    /// What each term of the question counts, summing to 1: its prior weight, less where nearly every sentence has it.
    /// </summary>
    private static double[] Informativeness(Question question, List<PassageView> passages)
    {
        var sentences = 0;
        var frequency = new int[question.Terms.Count];
        foreach (var sentence in passages.SelectMany(p => p.Sentences))
        {
            sentences++;
            for (var i = 0; i < frequency.Length; i++)
            {
                frequency[i] += sentence.Terms.Exists(t => t.Stem == question.Terms[i].Stem) ? 1 : 0;
            }
        }

        var result = new double[frequency.Length];
        for (var i = 0; i < result.Length; i++)
        {
            var rarity = Math.Log(1 + ((sentences + 1.0) / (frequency[i] + 1.0)));
            result[i] = question.Terms[i].Weight * (question.Terms[i].IsName || question.Terms[i].IsNumber ? 1.3 : 1) * (0.5 + rarity);
        }

        var sum = result.Sum();
        for (var i = 0; i < result.Length; i++)
        {
            result[i] /= sum;
        }

        return result;
    }

    private Scored Score(Question question, double[] termWeights, PassageView passage, CandidateSentence sentence)
    {
        double own = 0, coverage = 0, headed = 0;
        var pairs = new Adjacency();
        var headedPairs = new Adjacency();
        for (var i = 0; i < termWeights.Length; i++)
        {
            var term = question.Terms[i];
            var (match, at) = Match(term, sentence.Terms);
            if (match < 1 && term.IsNumber && NumberRanges.TryParse(term.Word, out var number))
            {
                match = Math.Max(match, sentence.Ranges.Match(number));
            }

            var above = sentence.Heading is { } line ? Match(term, line) : default;
            var section = Match(term, passage.Section);
            var heading = Math.Max(weights.InHeading * above.Match, weights.InSection * section.Match);
            var context = Math.Max(
                Math.Max(heading, weights.InTitle * Match(term, passage.Title).Match),
                Math.Max(
                    weights.InNeighbour * passage.Neighbours(sentence).Max(n => Match(term, n.Terms).Match),
                    weights.InPassage * Match(term, passage.Terms).Match));

            // What a row does not say of a number, its neighbours do not say for it.
            coverage += termWeights[i] * Math.Max(match, sentence.IsRow && term.IsNumber ? heading : context);
            own += termWeights[i] * Math.Max(match, heading);
            headed += termWeights[i] * heading;
            pairs.Next(match > 0 ? at : null, termWeights[i]);
            headedPairs.Next(above.Match > 0 ? above.At : section.Match > 0 ? section.At : null, termWeights[i]);
        }

        var score = coverage + (weights.Own * own) + (weights.Rank / (1 + passage.Index))
            + (weights.Pair * Math.Max(pairs.Sum, weights.InSection * headedPairs.Sum));
        score += (question.Wants & sentence.Kinds) != 0 ? weights.Kind : 0;
        score += sentence.IsFirst ? weights.First * headed : 0;
        score -= weights.Condition * UnaskedCondition(question, sentence);

        // Very short sentences cover much by chance, very long ones by their length.
        score -= sentence.IsFragment ? 0.3 : sentence.Terms.Count < 3 ? 0.1 : sentence.Terms.Count > 40 ? 0.05 : 0;
        return new Scored(sentence, score, coverage);
    }

    /// <summary>The share of the words behind the sentence's first "if" or "unless" that the question does not have; 0 without one.</summary>
    private double UnaskedCondition(Question question, CandidateSentence sentence)
    {
        if (sentence.ConditionAt is not { } at)
        {
            return 0;
        }

        int asked = 0, all = 0;
        foreach (var term in sentence.Terms)
        {
            if (term.Position > at)
            {
                all++;
                asked += question.Terms.Any(q => Match(q, [term]).Match > 0) ? 1 : 0;
            }
        }

        return all < 2 ? 0 : 1 - ((double)asked / all);
    }

    /// <summary>How well a term is matched, 0 to 1, and at which position.</summary>
    private (double Match, int At) Match(Term term, List<Term> terms)
    {
        var best = 0.0;
        var at = -10;
        foreach (var other in terms)
        {
            var match = other.Stem == term.Stem ? 1
                : term.Meaning != 0 && other.Meaning == term.Meaning ? weights.Synonym
                : Spelling.IsNear(term.Word, other.Word) ? weights.Misspelt
                : 0;
            if (match > best)
            {
                (best, at) = (match, other.Position);
                if (match == 1)
                {
                    break;
                }
            }
        }

        return (best, at);
    }

    private List<CandidateSentence> Choose(Question question, List<Scored> scored, List<PassageView> passages)
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

    private static CandidateSentence? Before(CandidateSentence sentence, List<PassageView> passages) =>
        sentence.Index > 0 && passages[sentence.PassageIndex].Sentences[sentence.Index - 1] is { Answers: true, IsRow: false } before ? before : null;

    /// <summary>The items of the list that <paramref name="best"/> stands in.</summary>
    private static void AddItems(List<CandidateSentence> chosen, CandidateSentence best, PassageView passage, int most)
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

    /// <summary>Sums the weights of terms that follow the term before them as they do in the question.</summary>
    private struct Adjacency()
    {
        private int? _previous;

        public double Sum { get; private set; }

        public void Next(int? at, double weight)
        {
            Sum += at - _previous is >= 1 and <= 3 ? weight : 0;
            _previous = at;
        }
    }

    private sealed record Scored(CandidateSentence Sentence, double Score, double Coverage);

    private sealed class PassageView
    {
        public PassageView(Messages.Passage passage, int index)
        {
            Index = index;
            Sentences = SentenceReader.Read(passage, index);
            Title = Answering.Terms.Of(string.Join('\n', passage.Headings.SkipLast(1).Prepend(passage.Title)));
            Section = passage.Headings.Count > 0 ? Answering.Terms.Of(passage.Headings[^1]) : [];
            Terms = [.. Sentences.SelectMany(s => s.Terms)];
        }

        public int Index { get; }

        public List<CandidateSentence> Sentences { get; }

        public List<Term> Title { get; }

        public List<Term> Section { get; }

        public List<Term> Terms { get; }

        public IEnumerable<CandidateSentence> Neighbours(CandidateSentence sentence)
        {
            yield return sentence.Index > 0 ? Sentences[sentence.Index - 1] : sentence;
            yield return sentence.Index + 1 < Sentences.Count ? Sentences[sentence.Index + 1] : sentence;
        }
    }
}
