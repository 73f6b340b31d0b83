using System.Globalization;

namespace RagCluster.Messages.Text;

/// <summary>
/// Counts tokens approximately, without a model's vocabulary: a run of letters counts 1 for every 7 letters begun
/// (short words are one token of a byte-pair vocabulary, long ones several), a run of digits 1 for every 3 begun, each
/// other visible character 1, each ideograph, kana or hangul syllable 1. On English prose this is about 1.3 per word,
/// within a tenth of what GPT-style vocabularies count.
/// </summary>
public static class TokenCounter
{
    public static int Count(ReadOnlySpan<char> text)
    {
        var tokens = 0;
        var letters = 0;
        var digits = 0;
        foreach (var c in text)
        {
            if (char.IsAsciiLetter(c))
            {
                digits = 0;
                if (letters++ % 7 == 0)
                {
                    tokens++;
                }
            }
            else if (c <= ' ')
            {
                letters = digits = 0;
            }
            else if (char.IsAsciiDigit(c))
            {
                letters = 0;
                if (digits++ % 3 == 0)
                {
                    tokens++;
                }
            }
            else if (c < 0x80)
            {
                tokens++;
                letters = digits = 0;
            }
            else if (IsWide(c))
            {
                tokens++;
                letters = digits = 0;
            }
            else if (char.IsLetter(c) || char.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark)
            {
                digits = 0;
                if (letters++ % 7 == 0)
                {
                    tokens++;
                }
            }
            else if (!char.IsWhiteSpace(c) && !char.IsLowSurrogate(c))
            {
                tokens++;
                letters = digits = 0;
            }
            else
            {
                letters = digits = 0;
            }
        }

        return tokens;
    }

    // CJK ideographs, kana, hangul.
    private static bool IsWide(char c) => c is >= '\u3040' and <= '\u30ff' or >= '\u3400' and <= '\u9fff' or >= '\uac00' and <= '\ud7a3' or >= '\uf900' and <= '\ufaff';
}
