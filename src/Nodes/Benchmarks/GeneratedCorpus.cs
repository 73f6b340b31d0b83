using System.Globalization;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>
/// Answers as an insurer's advisers might write them, made from parts: the same every time, with words as unevenly
/// spread as in real text, and about 90 words each. It measures work, not quality: nobody can be helped by them.
/// </summary>
internal static class GeneratedCorpus
{
    public const int Size = 8_690;

    private const int Seed = 8690;

    private static readonly string[] s_products =
    [
        "term life insurance", "whole life insurance", "universal life insurance", "a fixed annuity", "a variable annuity", "disability insurance",
        "long term care insurance", "Medicare supplement insurance", "health insurance", "homeowners insurance", "renters insurance", "auto insurance",
        "critical illness insurance", "final expense insurance", "key person insurance", "group life insurance", "an immediate annuity", "an umbrella policy",
        "dental insurance", "a deferred annuity", "survivorship life insurance", "credit life insurance", "flood insurance", "pet insurance",
    ];

    private static readonly string[] s_topics =
    [
        "the contestability period", "the free look period", "the grace period", "a lapsed policy", "a policy loan", "the cash value", "the death benefit",
        "the beneficiary designation", "the waiver of premium rider", "an accelerated death benefit", "the medical examination", "a pre-existing condition",
        "the surrender charge", "the elimination period", "the deductible", "the coinsurance", "a rated policy", "the conversion privilege", "an irrevocable trust",
        "the paid-up additions", "the guaranteed insurability rider", "the cost of living adjustment", "replacement of a policy", "the required minimum distribution",
        "a 1035 exchange", "the suicide clause", "the aviation exclusion", "tobacco use", "foreign travel", "a hazardous occupation", "the incontestability clause",
    ];

    private static readonly string[] s_places =
    [
        "Iowa", "Ohio", "Texas", "Florida", "California", "New York", "Georgia", "Oregon", "Nevada", "Maine", "Vermont", "Kansas", "Utah", "Idaho", "Arizona",
        "Michigan", "Illinois", "Indiana", "Kentucky", "Tennessee", "Alabama", "Virginia", "Maryland", "Delaware", "Montana", "Wyoming", "Colorado", "Hawaii",
    ];

    private static readonly string[] s_people =
    [
        "a young family", "a retired couple", "a self-employed carpenter", "a nurse", "a teacher", "a smoker", "a diabetic", "a pilot", "a small business owner",
        "a student", "a widow", "a single parent", "a veteran", "a truck driver", "a farmer", "an executive", "a surviving spouse", "an adult child", "a business partner",
    ];

    private static readonly string[] s_conditions =
    [
        "high blood pressure", "sleep apnea", "asthma", "a history of cancer", "a heart attack", "depression", "kidney stones", "a hip replacement", "gout",
        "atrial fibrillation", "elevated cholesterol", "a stroke", "arthritis", "hepatitis", "anxiety", "epilepsy", "lupus", "migraine",
    ];

    /// <summary>{p} product, {t} topic, {s} state, {w} who, {c} condition, {y} years, {d} days, {m} amount, {a} age, {r} percent.</summary>
    private static readonly string[] s_sentences =
    [
        "In {s}, {t} of {p} is set by law at no less than {d} days.",
        "For {w}, {p} of ${m} usually costs less than people expect.",
        "Most carriers look at {c} case by case, and a stable record of {y} years helps.",
        "If you are {a} and have {c}, expect a table rating of about {r} percent.",
        "You should read what your contract says about {t} before you sign anything.",
        "An independent agent can compare {p} from several companies and explain {t}.",
        "The company may ask for records from the last {y} years when {c} is on the application.",
        "Once {y} years have passed, {t} can no longer be used to deny a claim.",
        "A {w} who owns {p} can change the beneficiary at any time unless the designation is irrevocable.",
        "Premiums for {p} go up by roughly {r} percent with every five years of age after {a}.",
        "Without {t}, the benefit of ${m} would be paid in full to the estate.",
        "It is not the same in every state: {s} treats {t} in another way than {s} does.",
        "Please ask for an illustration that shows {t} at age {a} and at the end of {y} years.",
        "The insurer pays interest of {r} percent on the proceeds after {d} days.",
        "If the premium is not paid within {d} days, {p} lapses, although {t} may keep it in force.",
        "Some people buy {p} only for {t}, which is rarely the best reason.",
        "With {c}, {w} will often do better with a company that specializes in impaired risks.",
        "I would set aside ${m} for emergencies before thinking about {p}.",
        "Taxes are due on any gain above what was paid in, and {t} does not change that.",
        "Call the department of insurance in {s} if the company has not answered within {d} days.",
    ];

    private static readonly string[] s_questions =
    [
        "How does {t} work with {p} in {s}?", "Can {w} with {c} get {p}?", "What does {p} of ${m} cost at age {a}?", "Is {t} part of {p}?",
        "When does {t} end for {w} in {s}?", "Does {p} cover {c}?", "What happens to {p} after {d} days without payment?", "Why would {w} need {p}?",
    ];

    public static Corpus Make(int size)
    {
        // The generator's sequence for a given seed is part of its contract, so the corpus is the same everywhere.
        var random = new Random(Seed);
        var entries = new CorpusEntry[size];
        for (var i = 0; i < size; i++)
        {
            // An answer keeps to one product and one topic; that is what makes some answers fit a question and others not.
            var product = Pick(s_products, random);
            var topic = Pick(s_topics, random);
            var sentences = Enumerable.Range(0, random.Next(4, 9)).Select(_ => Fill(Pick(s_sentences, random), product, topic, random));
            entries[i] = new CorpusEntry(
                string.Create(CultureInfo.InvariantCulture, $"answer-{i:00000}"),
                Fill(Pick(s_questions, random), product, topic, random),
                string.Join(' ', sentences));
        }

        return new Corpus("generated", entries);
    }

    private static string Fill(string pattern, string product, string topic, Random random)
    {
        var text = pattern
            .Replace("{p}", product, StringComparison.Ordinal)
            .Replace("{t}", topic, StringComparison.Ordinal)
            .Replace("{w}", Pick(s_people, random), StringComparison.Ordinal)
            .Replace("{c}", Pick(s_conditions, random), StringComparison.Ordinal)
            .Replace("{s}", Pick(s_places, random), StringComparison.Ordinal)
            .Replace("{y}", Number(random.Next(1, 31)), StringComparison.Ordinal)
            .Replace("{d}", Number(random.Next(5, 366)), StringComparison.Ordinal)
            .Replace("{m}", (random.Next(1, 400) * 2_500).ToString("#,0", CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{a}", Number(random.Next(18, 91)), StringComparison.Ordinal)
            .Replace("{r}", Number(random.Next(1, 100)), StringComparison.Ordinal)
            .Replace("A a ", "A ", StringComparison.Ordinal)
            .Replace("A an ", "An ", StringComparison.Ordinal);
        return char.ToUpperInvariant(text[0]) + text[1..];
    }

    /// <summary>The first ones often, the last ones seldom, as words are in real text.</summary>
    private static string Pick(string[] from, Random random)
    {
        var share = random.NextDouble();
        return from[(int)(share * share * from.Length)];
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
