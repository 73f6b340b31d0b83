using System.Globalization;
using System.Reflection;

namespace RagCluster.Retrieval.Analysis.Unicode;

/// <summary>Values of the Word_Break property (UAX #29).</summary>
internal enum WordBreak : byte
{
    Other,
    ALetter,
    CR,
    Double_Quote,
    Extend,
    ExtendNumLet,
    Format,
    Hebrew_Letter,
    Katakana,
    LF,
    MidLetter,
    MidNum,
    MidNumLet,
    Newline,
    Numeric,
    Regional_Indicator,
    Single_Quote,
    WSegSpace,
    ZWJ,
}

/// <summary>
/// Unicode data that the framework does not give: the product runs with invariant globalization, where
/// <c>string.Normalize</c> leaves text as it is. Read once from the two text files beside this one.
/// </summary>
internal static class CharacterTables
{
    private const int Plane = 0x10000;

    private static readonly byte[] BasicWordBreak = new byte[Plane];
    private static readonly List<(int First, int Last, WordBreak Value)> HigherWordBreak = [];
    private static readonly List<(int First, int Last)> Pictographs = [];
    private static readonly ushort[] FoldIndex = new ushort[Plane];
    private static readonly List<string> Folds = [""];

    static CharacterTables()
    {
        foreach (var (name, ranges) in Lines("WordBreak.txt"))
        {
            foreach (var (first, last) in ranges)
            {
                if (name == "Extended_Pictographic")
                {
                    Pictographs.Add((first, last));
                    continue;
                }

                var value = Enum.Parse<WordBreak>(name);
                if (last < Plane)
                {
                    BasicWordBreak.AsSpan(first, last - first + 1).Fill((byte)value);
                }
                else
                {
                    HigherWordBreak.Add((first, last, value));
                }
            }
        }

        HigherWordBreak.Sort();
        Pictographs.Sort();
        foreach (var (target, ranges) in Lines("Folding.txt"))
        {
            Folds.Add(string.Concat(target.Split(' ').Select(code => (char)Hex(code))));
            foreach (var (first, last) in ranges)
            {
                FoldIndex.AsSpan(first, last - first + 1).Fill((ushort)(Folds.Count - 1));
            }
        }
    }

    public static WordBreak WordBreakOf(int codePoint)
    {
        if (codePoint < Plane)
        {
            return (WordBreak)BasicWordBreak[codePoint];
        }

        var (low, high) = (0, HigherWordBreak.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var (first, last, value) = HigherWordBreak[middle];
            if (codePoint < first)
            {
                high = middle - 1;
            }
            else if (codePoint > last)
            {
                low = middle + 1;
            }
            else
            {
                return value;
            }
        }

        return WordBreak.Other;
    }

    public static bool IsPictograph(int codePoint)
    {
        var (low, high) = (0, Pictographs.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var (first, last) = Pictographs[middle];
            if (codePoint < first)
            {
                high = middle - 1;
            }
            else if (codePoint > last)
            {
                low = middle + 1;
            }
            else
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>What the character folds to; null where it stays as it is.</summary>
    public static string? FoldOf(char c)
    {
        var index = FoldIndex[c];
        return index == 0 ? null : Folds[index];
    }

    /// <summary>Whether folding leaves nothing of it: diacritics by themselves, and what is not seen.</summary>
    public static bool IsFoldedAway(char c) => c is (>= '\u0300' and <= '\u036F') or '\u00AD' or (>= '\u200B' and <= '\u200F') or '\u2060' or '\uFEFF';

    private static IEnumerable<(string Name, IReadOnlyList<(int First, int Last)> Ranges)> Lines(string file)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(file)
            ?? throw new InvalidOperationException($"The resource {file} is missing from the assembly.");
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#'))
            {
                continue;
            }

            var equals = line.IndexOf('=', StringComparison.Ordinal);
            yield return (line[..equals], [.. line[(equals + 1)..].Split(' ').Select(Range)]);
        }
    }

    private static (int First, int Last) Range(string text)
    {
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        return dash < 0 ? (Hex(text), Hex(text)) : (Hex(text[..dash]), Hex(text[(dash + 1)..]));
    }

    private static int Hex(string text) => int.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
