using System.Text;
using System.Text.RegularExpressions;

namespace RagCluster.Nodes.Evaluation;

/// <summary>
/// How near an answer is to an expected one: the measures of SQuAD (Rajpurkar, Zhang, Lopyrev, Liang, 2016). Case,
/// punctuation, the articles a, an and the, and white space do not count. Of several expected answers the best counts.
/// </summary>
internal static partial class AnswerMetrics
{
    /// <summary>1 where the answer is an expected one and nothing else.</summary>
    public static double ExactMatch(string answer, IEnumerable<string> expected)
    {
        var given = Normal(answer);
        return expected.Any(e => Normal(e) == given) ? 1 : 0;
    }

    /// <summary>The harmonic mean of the share of the answer's words that are expected and the share of the expected words that are in it, as bags of words.</summary>
    public static double F1(string answer, IEnumerable<string> expected) => expected.Max(e => F1(Words(answer), Words(e)));

    /// <summary>Whether the text holds an expected answer as a run of whole words.</summary>
    public static bool Contains(string text, IEnumerable<string> expected)
    {
        var within = $" {Normal(text)} ";
        return expected.Select(Normal).Any(e => e.Length > 0 && within.Contains($" {e} ", StringComparison.Ordinal));
    }

    /// <summary>An answer without the numbers of its citations, "[1]" and "[1][2]".</summary>
    public static string WithoutMarkers(string answer) => Marker().Replace(answer, "");

    internal static string Normal(string text)
    {
        var kept = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            if (!char.IsPunctuation(c) && !char.IsSymbol(c))
            {
                kept.Append(char.ToLowerInvariant(c));
            }
        }

        var words = kept.ToString().Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        var telling = words.Where(word => word is not ("a" or "an" or "the")).ToArray();

        // "A" may be what is asked for: vitamin A, group A.
        return string.Join(' ', telling.Length > 0 ? telling : words);
    }

    private static string[] Words(string text) => Normal(text).Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static double F1(string[] given, string[] expected)
    {
        if (given.Length == 0 || expected.Length == 0)
        {
            return given.Length == expected.Length ? 1 : 0;
        }

        var open = expected.GroupBy(w => w, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);
        var common = 0;
        foreach (var word in given)
        {
            if (open.TryGetValue(word, out var left) && left > 0)
            {
                open[word] = left - 1;
                common++;
            }
        }

        return 2.0 * common / (given.Length + expected.Length);
    }

    [GeneratedRegex(@"\s?\[\d+\]")]
    private static partial Regex Marker();
}
