using RagCluster.Inference.Language;
using RagCluster.Messages.Text;

namespace RagCluster.Inference.Answering;

/// <summary>A question as the answerer sees it: what it asks about and what kind of answer it wants.</summary>
internal sealed record Question(IReadOnlyList<Term> Terms, AnswerKinds Wants);

/// <summary>Reads the kind of a question off its words.</summary>
internal static class QuestionReader
{
    private static readonly string[] s_durations = ["long", "days", "months", "years", "weeks", "hours", "period", "deadline", "duration", "soon", "quickly", "often", "fast"];
    private static readonly string[] s_amounts =
    [
        "much", "fee", "fees", "cost", "costs", "price", "premium", "amount", "charge", "charges", "percentage", "percent", "rate", "limit",
        "maximum", "minimum", "sum", "rates", "penalty", "discount", "budget",
    ];

    private static readonly string[] s_modals =
    [
        "is", "are", "was", "were", "do", "does", "did", "can", "could", "may", "must", "should", "will", "would", "has", "have", "had", "am",
    ];

    /// <summary>What a word before the asking sentence counts, at most ...</summary>
    private const float MaxCircumstanceWeight = 0.5f;

    /// <summary>... and all of them together, as a share of the asking sentence's words.</summary>
    private const float MaxCircumstanceShare = 0.6f;

    /// <summary>A question's further words are left out: nobody asks about so many things.</summary>
    private const int MaxTerms = 64;

    public static Question Read(string text)
    {
        // "I was 63 when I applied. How long do I have?": what asks is the last sentence, the others are circumstances.
        var asking = Asking(text);
        var words = Words(text[asking..]);
        var terms = ContentTerms(text[asking..], words);
        if (asking > 0)
        {
            var circumstances = Terms.Of(text.AsSpan(0, asking)).DistinctBy(t => t.Stem).Where(t => !terms.Exists(seen => seen.Stem == t.Stem)).ToList();
            var share = Math.Min(MaxCircumstanceWeight, MaxCircumstanceShare * terms.Sum(t => t.Weight) / Math.Max(0.1f, circumstances.Sum(t => t.Weight)));
            terms.AddRange(circumstances.Select(t => t with { Weight = t.Weight * share }));
        }

        return new Question(terms.Count > MaxTerms ? terms[..MaxTerms] : terms, Wants(words));
    }

    /// <summary>Where the last sentence that ends in a question mark begins; 0 if there is none.</summary>
    private static int Asking(string text)
    {
        var asking = 0;
        foreach (var span in SentenceSplitter.Split(text))
        {
            asking = text[span.End - 1] == '?' ? span.Start : asking;
        }

        return asking;
    }

    private static List<string> Words(string text)
    {
        var words = new List<string>();
        var reader = new WordReader(text, stackalloc char[WordReader.MaxWordLength]);
        while (reader.MoveNext())
        {
            words.Add(reader.Word.ToString());
        }

        return words;
    }

    private static AnswerKinds Wants(List<string> words)
    {
        for (var i = 0; i < words.Count; i++)
        {
            var next = i + 1 < words.Count ? words[i + 1] : "";
            var kinds = words[i] switch
            {
                "how" => next switch
                {
                    "long" or "soon" or "quickly" or "often" or "fast" => AnswerKinds.Duration | AnswerKinds.Date,
                    "much" => AnswerKinds.Amount | AnswerKinds.Number,
                    "many" => ManyOf(words, i + 2),
                    "old" => AnswerKinds.Number,
                    "far" or "high" or "large" or "big" or "tall" or "wide" or "deep" or "heavy" or "late" or "early" => AnswerKinds.Number,
                    _ => AnswerKinds.Manner,
                },
                "when" => AnswerKinds.Date | AnswerKinds.Duration,
                "who" or "whom" or "whose" => AnswerKinds.Name,
                "where" => AnswerKinds.Place,
                "why" => AnswerKinds.Reason,
                "what" or "which" => Which(words, i + 1),
                "list" or "name" when i == 0 => AnswerKinds.List,
                _ => AnswerKinds.None,
            };
            if (kinds != AnswerKinds.None)
            {
                // "Can I cancel when ...?" asks for yes or no; the later word only opens a clause.
                return i > 1 && s_modals.Contains(words[0]) ? AnswerKinds.Verdict : kinds;
            }
        }

        return words.Count > 0 && s_modals.Contains(words[0]) ? AnswerKinds.Verdict : AnswerKinds.None;
    }

    private static AnswerKinds ManyOf(List<string> words, int at) =>
        at < words.Count && s_durations.Contains(words[at]) ? AnswerKinds.Duration : AnswerKinds.Number;

    private static AnswerKinds Which(List<string> words, int at)
    {
        for (var i = at; i < Math.Min(words.Count, at + 5); i++)
        {
            if (words[i] is "year" or "date" or "day" or "month" or "century" or "decade" or "era")
            {
                return AnswerKinds.Date | AnswerKinds.Duration;
            }

            if (words[i] is "period" or "deadline" or "duration")
            {
                return AnswerKinds.Duration | AnswerKinds.Date;
            }

            if (s_amounts.Contains(words[i]))
            {
                return AnswerKinds.Amount | AnswerKinds.Number;
            }

            if (words[i] is "age")
            {
                return AnswerKinds.Number;
            }

            if (words[i] is "city" or "country" or "place" or "state" or "town" or "river" or "region")
            {
                return AnswerKinds.Place | AnswerKinds.Name;
            }

            if (words[i] is "documents" or "types" or "kinds" or "steps" or "reasons" or "exclusions" or "requirements" or "options" or "ways" or "conditions")
            {
                return AnswerKinds.List;
            }
        }

        return at < words.Count && words[at] is "is" or "are" or "was" or "does" && words.Count - at <= 6 ? AnswerKinds.Definition : AnswerKinds.None;
    }

    /// <summary>
    /// The question's terms without those that only carry its form: "long" of "how long", "many" of "how many". If
    /// nothing is left, all of its words count.
    /// </summary>
    private static List<Term> ContentTerms(string text, List<string> words)
    {
        var terms = Terms.Of(text);
        var form = words.Count > 1 && words.IndexOf("how") is var how and >= 0 && how + 1 < words.Count ? words[how + 1] : "";
        var distinct = new List<Term>();
        foreach (var term in terms)
        {
            if ((term.Word == form && term.Weight < 0.6f) || term.Word is "happen" or "happens" or "happened" or "become" or "becomes")
            {
                continue;
            }

            if (!distinct.Exists(seen => seen.Stem == term.Stem))
            {
                distinct.Add(term);
            }
        }

        return distinct.Count > 0 ? distinct : terms;
    }
}
