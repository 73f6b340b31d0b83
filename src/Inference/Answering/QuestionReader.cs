using RagCluster.Inference.Language;

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

    public static Question Read(string text)
    {
        var words = Words(text);
        return new Question(ContentTerms(text, words), Wants(words));
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
            if (term.Word == form && term.Weight < 0.6f)
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
