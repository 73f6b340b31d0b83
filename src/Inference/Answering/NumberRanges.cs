using System.Globalization;
using RagCluster.Inference.Language;

namespace RagCluster.Inference.Answering;

/// <summary>
/// The ranges of numbers that a text names ("40 to 49", "71 and over", "up to $50,000", "less than 36"), so that a
/// question about 45 finds the row from 40 to 49.
/// </summary>
internal sealed class NumberRanges
{
    private const int MaxRanges = 64;

    private readonly List<(double From, double To)> _ranges = [];

    /// <summary>How well a number fits: 0 not at all, most into a range with two ends.</summary>
    public double Match(double number)
    {
        var best = 0.0;
        foreach (var (from, to) in _ranges)
        {
            if (number >= from && number <= to)
            {
                best = Math.Max(best, double.IsInfinity(from) || double.IsInfinity(to) ? 0.8 : 0.95);
            }
        }

        return best;
    }

    public static bool TryParse(string word, out double number) =>
        double.TryParse(word, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);

    public static NumberRanges Of(ReadOnlySpan<char> text)
    {
        var ranges = new NumberRanges();
        if (!text.ContainsAnyInRange('0', '9'))
        {
            return ranges;
        }

        var words = new List<(string Word, int Start, int End)>();
        var reader = new WordReader(text, stackalloc char[WordReader.MaxWordLength]);
        while (reader.MoveNext())
        {
            words.Add((reader.Word.ToString(), reader.Start, reader.End));
        }

        for (var i = 0; i < words.Count && ranges._ranges.Count < MaxRanges; i++)
        {
            if (TryParse(words[i].Word, out var number))
            {
                ranges.Add(text, words, i, number);
            }
        }

        return ranges;
    }

    private void Add(ReadOnlySpan<char> text, List<(string Word, int Start, int End)> words, int i, double number)
    {
        string At(int index) => index >= 0 && index < words.Count ? words[index].Word : "";

        if (i + 1 < words.Count && TryParse(At(i + 1), out var adjacent) && adjacent > number
            && text[words[i].End..words[i + 1].Start].Trim(" $%") is "-" or "\u2013")
        {
            _ranges.Add((number, adjacent));
        }
        else if (At(i + 1) is "to" or "through" or "and" && TryParse(At(i + 2), out var upper) && upper > number && (At(i + 1) != "and" || At(i - 1) == "between"))
        {
            _ranges.Add((number, upper));
        }
        else if ((At(i + 1) is "and" or "or" && At(i + 2) is "over" or "more" or "above" or "older" or "higher" or "later")
            || At(i - 1) is "above" or "over" or "from" || (At(i - 2), At(i - 1)) is ("more", "than") or ("at", "least"))
        {
            _ranges.Add((number, double.PositiveInfinity));
        }
        else if ((At(i + 1) is "and" or "or" && At(i + 2) is "under" or "less" or "below" or "younger" or "fewer" or "lower")
            || At(i - 1) is "under" or "below" || (At(i - 2), At(i - 1)) is ("up", "to") or ("less", "than") or ("at", "most") or ("fewer", "than"))
        {
            _ranges.Add((double.NegativeInfinity, number));
        }
    }
}
