using System.Collections.Frozen;
using System.Numerics;
using RagCluster.Retrieval.Analysis.Unicode;

namespace RagCluster.Retrieval.Analysis;

/// <summary>
/// Tells the language of a text well enough to choose an analyzer: by its function words, of which running text of any
/// language is a third to a half, and by letters that few languages have. The same text always has the same
/// language; a release that decides differently has another <see cref="Id"/>.
/// </summary>
/// <remarks>
/// A function word counts for each language that has it, the less the more of them there are. A language must have clearly
/// more than every other, and enough of the text: names, tables, code and headings are <see cref="Language.Unknown"/>.
/// </remarks>
public static class LanguageDetector
{
    /// <summary>Names the algorithm and its words; what is detected is not journaled but found again.</summary>
    public const string Id = "detect-1";

    /// <summary>So many words of a text are looked at: beyond them the verdict does not change.</summary>
    private const int MostWords = 120;

    private const int LongestWord = 16;

    /// <summary>What the words of the language must have together: two words that only it has.</summary>
    private const double Least = 2;

    /// <summary>And as a share of the words looked at.</summary>
    private const double LeastShare = 0.1;

    /// <summary>How much more it must have than any other.</summary>
    private const double Margin = 1.25;

    private static readonly int Languages = Enum.GetValues<Language>().Length;

    private static readonly FrozenDictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> Words = FunctionWords.Languages.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>The language of the text's beginning.</summary>
    public static Language Detect(ReadOnlySpan<char> text) => Detect(text, Least);

    /// <param name="least">What the function words of the language must have together.</param>
    internal static Language Detect(ReadOnlySpan<char> text, double least)
    {
        Span<double> scores = stackalloc double[Languages];
        scores.Clear();
        Span<char> word = stackalloc char[LongestWord];
        var (words, foreign, at) = (0, 0, 0);
        while (words < MostWords && at < text.Length)
        {
            if (!IsLetter(text[at]))
            {
                at++;
                continue;
            }

            var (length, tooLong, isForeign) = (0, false, false);
            for (; at < text.Length && IsLetter(text[at]); at++)
            {
                Read(text[at], word, ref length, ref tooLong, ref isForeign, scores);
            }

            words++;
            foreign += isForeign ? 1 : 0;

            // Single letters are initials, formulas and the ends of "insured's" more often than words.
            if (!tooLong && length > 1 && Words.TryGetValue(word[..length], out var languages))
            {
                var share = 1.0 / BitOperations.PopCount((uint)languages);
                for (; languages != 0; languages &= languages - 1)
                {
                    scores[BitOperations.TrailingZeroCount(languages)] += share;
                }
            }
        }

        return foreign * 2 > words ? Language.Other : Best(scores, words, least);
    }

    private static Language Best(ReadOnlySpan<double> scores, int words, double least)
    {
        var (best, second) = (0, 0.0);
        for (var language = 1; language < scores.Length; language++)
        {
            if (scores[language] > scores[best])
            {
                (best, second) = (language, scores[best]);
            }
            else
            {
                second = Math.Max(second, scores[language]);
            }
        }

        return scores[best] >= least && scores[best] >= LeastShare * words && scores[best] >= Margin * second ? (Language)best : Language.Unknown;
    }

    private static void Read(char c, Span<char> word, ref int length, ref bool tooLong, ref bool isForeign, Span<double> scores)
    {
        if (c < 0x80)
        {
            Append(char.ToLowerInvariant(c), word, ref length, ref tooLong);
            return;
        }

        Hint(char.ToLowerInvariant(c), scores);
        isForeign |= c >= 0x250 && c is < '\u1E00' or > '\u1EFF' and not '’';
        foreach (var folded in CharacterTables.FoldOf(c) ?? c.ToString())
        {
            Append(folded, word, ref length, ref tooLong);
        }
    }

    private static void Append(char c, Span<char> word, ref int length, ref bool tooLong)
    {
        if (length < word.Length)
        {
            word[length++] = c;
        }
        else
        {
            tooLong = true;
        }
    }

    /// <summary>Letters that few of the languages have speak for those.</summary>
    private static void Hint(char c, Span<double> scores)
    {
        ReadOnlySpan<Language> languages = c switch
        {
            'ß' => [Language.German],
            'ü' => [Language.German],
            'ä' or 'ö' => [Language.German, Language.Swedish, Language.Finnish],
            'å' => [Language.Swedish, Language.Danish, Language.Norwegian],
            'ø' or 'æ' => [Language.Danish, Language.Norwegian],
            'ñ' or '¿' or '¡' => [Language.Spanish],
            'ã' or 'õ' => [Language.Portuguese],
            'ç' => [Language.French, Language.Portuguese],
            'ê' or 'î' or 'û' or 'œ' => [Language.French],
            'è' or 'à' => [Language.French, Language.Italian],
            'ò' or 'ù' or 'ì' => [Language.Italian],
            'ą' or 'ć' or 'ę' or 'ł' or 'ń' or 'ś' or 'ź' or 'ż' => [Language.Polish],
            _ => [],
        };
        foreach (var language in languages)
        {
            scores[(int)language] += 0.5 / languages.Length;
        }
    }

    private static bool IsLetter(char c) => c < 0x80 ? char.IsAsciiLetter(c) : char.IsLetter(c) || CharacterTables.IsFoldedAway(c);
}
