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

    private static Dictionary<string, int> Bag(string text)
    {
        var bag = new Dictionary<string, int>();
        foreach (Match word in Words().Matches(text.Normalize(System.Text.NormalizationForm.FormKC).ToLowerInvariant()))
        {
            bag[word.Value] = bag.GetValueOrDefault(word.Value) + 1;
        }

        return bag;
    }

    [GeneratedRegex(@"[\p{L}\p{N}]+")]
    private static partial Regex Words();
}
