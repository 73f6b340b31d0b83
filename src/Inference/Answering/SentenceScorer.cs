namespace RagCluster.Inference.Answering;

/// <param name="Score">Ranks sentences; comparable within one question only.</param>
/// <param name="Coverage">How much of what the question says the sentence and what stands around it say, 0 to 1.</param>
internal sealed record ScoredSentence(CandidateSentence Sentence, double Score, double Coverage);

/// <summary>
/// Scores sentences by how much of the question they cover, each term weighted by how much it tells sentences apart, and
/// by signs of an answer: the kind of thing asked for, terms in the question's order, the place below a heading.
/// </summary>
internal sealed class SentenceScorer(Question question, List<MatchedPassage> passages, AnswererWeights weights)
{
    private readonly TermMatcher _matcher = new(question.Terms, weights);
    private readonly double[] _termWeights = Informativeness(question, passages);

    /// <summary>Every sentence that can answer.</summary>
    public List<ScoredSentence> Score()
    {
        var scored = new List<ScoredSentence>();
        foreach (var passage in passages)
        {
            for (var i = 0; i < passage.Sentences.Count; i++)
            {
                if (passage.Sentences[i].Answers)
                {
                    scored.Add(Score(passage, i));
                }
            }
        }

        return scored;
    }

    /// <summary>What each term counts, summing to 1: its prior weight, less where nearly every sentence has it.</summary>
    private static double[] Informativeness(Question question, List<MatchedPassage> passages)
    {
        var sentences = 1.0 + passages.Sum(p => p.Sentences.Count);
        var result = new double[question.Terms.Count];
        for (var i = 0; i < result.Length; i++)
        {
            var term = question.Terms[i];
            var having = 1.0 + passages.Sum(p => p.BySentence.Count(m => m[i].Value >= 1));
            result[i] = term.Weight * (term.IsName || term.IsNumber ? 1.3 : 1) * (0.5 + Math.Log(1 + (sentences / having)));
        }

        var sum = result.Sum();
        for (var i = 0; i < result.Length; i++)
        {
            result[i] /= sum;
        }

        return result;
    }

    private ScoredSentence Score(MatchedPassage passage, int index)
    {
        var sentence = passage.Sentences[index];
        double own = 0, coverage = 0, headed = 0;
        var pairs = new Adjacency();
        var headedPairs = new Adjacency();
        for (var i = 0; i < _termWeights.Length; i++)
        {
            var match = passage.BySentence[index][i];
            var above = passage.Headings[index][i];
            var section = passage.Section[i];
            var heading = Math.Max(weights.InHeading * above.Value, weights.InSection * section.Value);
            var context = Math.Max(
                Math.Max(heading, weights.InTitle * passage.Title[i].Value),
                Math.Max(weights.InNeighbour * passage.Near(index, i), weights.InPassage * passage.Anywhere[i]));

            // What a row does not say of a number, its neighbours do not say for it.
            coverage += _termWeights[i] * Math.Max(match.Value, sentence.IsRow && question.Terms[i].IsNumber ? heading : context);
            own += _termWeights[i] * Math.Max(match.Value, heading);
            headed += _termWeights[i] * heading;
            pairs.Next(match, _termWeights[i]);
            headedPairs.Next(above.Value > 0 ? above : section, _termWeights[i]);
        }

        var score = coverage + (weights.Own * own) + (weights.Rank / (1 + passage.Index))
            + (weights.Pair * Math.Max(pairs.Sum, weights.InSection * headedPairs.Sum));
        score += (question.Wants & sentence.Kinds) != 0 ? weights.Kind : 0;
        score += sentence.IsFirst ? weights.First * headed : 0;
        score -= weights.Condition * UnaskedCondition(sentence);

        // Very short sentences cover much by chance, very long ones by their length.
        score -= sentence.IsFragment ? 0.3 : sentence.Terms.Count < 3 ? 0.1 : sentence.Terms.Count > 40 ? 0.05 : 0;
        return new ScoredSentence(sentence, score, coverage);
    }

    /// <summary>The share of the words behind the sentence's first "if" or "unless" that the question does not have; 0 without one.</summary>
    private double UnaskedCondition(CandidateSentence sentence)
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
                asked += _matcher.MatchesAny(term) ? 1 : 0;
            }
        }

        return all < 2 ? 0 : 1 - ((double)asked / all);
    }

    /// <summary>Sums the weights of terms that follow the term before them as they do in the question.</summary>
    private struct Adjacency()
    {
        private int? _previous;

        public double Sum { get; private set; }

        public void Next(TermMatch match, double weight)
        {
            int? at = match.Value > 0 ? match.At : null;
            Sum += at - _previous is >= 1 and <= 3 ? weight : 0;
            _previous = at;
        }
    }
}
