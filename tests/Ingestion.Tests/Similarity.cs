using System.Text.RegularExpressions;

namespace RagCluster.Ingestion.Tests;

/// <summary>How much two texts have in common, as bags of words: F1 of the words of one found in the other, with their counts.</summary>
internal static partial class Similarity
{
    public static double F1(string found, string expected)
    {
        var (f, e) = (Bag(found), Bag(expected));
        var (fs, es) = (f.Values.Sum(), e.Values.Sum());
        if (fs == 0 || es == 0)
        {
            return fs == es ? 1 : 0;
        }

        var common = f.Sum(w => Math.Min(w.Value, e.GetValueOrDefault(w.Key)));
        return 2.0 * common / (fs + es);
    }

    public static (double Precision, double Recall) Both(string found, string expected)
    {
        var (f, e) = (Bag(found), Bag(expected));
        var common = (double)f.Sum(w => Math.Min(w.Value, e.GetValueOrDefault(w.Key)));
        return (common / Math.Max(1, f.Values.Sum()), common / Math.Max(1, e.Values.Sum()));
    }

    /// <summary>F1 of pairs of neighbouring words: the order of reading counts.</summary>
    public static double Pairs(string found, string expected)
    {
        static string Joined(string text) => string.Join(" ", Words().Matches(text.ToLowerInvariant()).Select(w => w.Value) is var words ? words.Zip(words.Skip(1), (a, b) => a + "x" + b) : []);
        return F1(Joined(found), Joined(expected));
    }

    private static Dictionary<string, int> Bag(string text)
    {
        var bag = new Dictionary<string, int>();
        foreach (Match word in Words().Matches(text.ToLowerInvariant()))
        {
            bag[word.Value] = bag.GetValueOrDefault(word.Value) + 1;
        }

        return bag;
    }

    [GeneratedRegex(@"[\p{L}\p{N}]+")]
    private static partial Regex Words();
}
