using System.Text;

namespace RagCluster.Retrieval.Analysis.Unicode;

/// <summary>Word boundaries as Unicode defines them (UAX #29, rules WB1 to WB999); passes WordBreakTest 15.0.</summary>
internal static class WordBreaker
{
    /// <summary>The boundary after <paramref name="start"/>, which is a boundary itself and lies within the text.</summary>
    public static int Next(ReadOnlySpan<char> text, int start)
    {
        var at = start;
        var previous = WordBreak.Other;       // the last character's property
        var before = WordBreak.Other;         // the last one's that is not Extend, Format or ZWJ: what WB4 lets the later rules see
        var beforeThat = WordBreak.Other;     // the one before it
        var indicators = 0;
        var first = true;
        while (at < text.Length)
        {
            var current = Read(text, at, out var codePoint, out var length);
            if (!first && IsBoundary(text, at, length, previous, before, beforeThat, current, codePoint, indicators))
            {
                return at;
            }

            if (first || !IsIgnored(current))
            {
                beforeThat = before;
                before = current;
                indicators = current == WordBreak.Regional_Indicator ? indicators + 1 : 0;
            }

            previous = current;
            first = false;
            at += length;
        }

        return text.Length;
    }

    private static bool IsBoundary(
        ReadOnlySpan<char> text, int at, int length, WordBreak previous, WordBreak before, WordBreak beforeThat, WordBreak current, int codePoint, int indicators)
    {
        if (previous == WordBreak.CR && current == WordBreak.LF)
        {
            return false;                                                                       // WB3
        }

        if (IsNewline(previous) || IsNewline(current))
        {
            return true;                                                                        // WB3a, WB3b
        }

        if (previous == WordBreak.ZWJ && CharacterTables.IsPictograph(codePoint))
        {
            return false;                                                                       // WB3c
        }

        if (previous == WordBreak.WSegSpace && current == WordBreak.WSegSpace)
        {
            return false;                                                                       // WB3d
        }

        if (IsIgnored(current))
        {
            return false;                                                                       // WB4
        }

        if (IsLetter(before) && IsLetter(current))
        {
            return false;                                                                       // WB5
        }

        if (IsLetter(before) && (current is WordBreak.MidLetter || IsMidNumLetQ(current)) && IsLetter(Following(text, at + length)))
        {
            return false;                                                                       // WB6
        }

        if (IsLetter(beforeThat) && (before is WordBreak.MidLetter || IsMidNumLetQ(before)) && IsLetter(current))
        {
            return false;                                                                       // WB7
        }

        if (before == WordBreak.Hebrew_Letter && current == WordBreak.Single_Quote)
        {
            return false;                                                                       // WB7a
        }

        if (before == WordBreak.Hebrew_Letter && current == WordBreak.Double_Quote && Following(text, at + length) == WordBreak.Hebrew_Letter)
        {
            return false;                                                                       // WB7b
        }

        if (beforeThat == WordBreak.Hebrew_Letter && before == WordBreak.Double_Quote && current == WordBreak.Hebrew_Letter)
        {
            return false;                                                                       // WB7c
        }

        if ((before == WordBreak.Numeric || IsLetter(before)) && (current == WordBreak.Numeric || (before == WordBreak.Numeric && IsLetter(current))))
        {
            return false;                                                                       // WB8, WB9, WB10
        }

        if (beforeThat == WordBreak.Numeric && (before == WordBreak.MidNum || IsMidNumLetQ(before)) && current == WordBreak.Numeric)
        {
            return false;                                                                       // WB11
        }

        if (before == WordBreak.Numeric && (current == WordBreak.MidNum || IsMidNumLetQ(current)) && Following(text, at + length) == WordBreak.Numeric)
        {
            return false;                                                                       // WB12
        }

        if (before == WordBreak.Katakana && current == WordBreak.Katakana)
        {
            return false;                                                                       // WB13
        }

        if (current == WordBreak.ExtendNumLet && (IsLetter(before) || before is WordBreak.Numeric or WordBreak.Katakana or WordBreak.ExtendNumLet))
        {
            return false;                                                                       // WB13a
        }

        if (before == WordBreak.ExtendNumLet && (IsLetter(current) || current is WordBreak.Numeric or WordBreak.Katakana))
        {
            return false;                                                                       // WB13b
        }

        return !(before == WordBreak.Regional_Indicator && current == WordBreak.Regional_Indicator && indicators % 2 == 1);    // WB15, WB16, WB999
    }

    /// <summary>The first property from <paramref name="at"/> on that WB4 does not hide.</summary>
    private static WordBreak Following(ReadOnlySpan<char> text, int at)
    {
        while (at < text.Length)
        {
            var value = Read(text, at, out _, out var length);
            if (!IsIgnored(value))
            {
                return value;
            }

            at += length;
        }

        return WordBreak.Other;
    }

    private static WordBreak Read(ReadOnlySpan<char> text, int at, out int codePoint, out int length)
    {
        codePoint = text[at];
        length = 1;
        if (char.IsSurrogate(text[at]) && Rune.DecodeFromUtf16(text[at..], out var rune, out var consumed) == System.Buffers.OperationStatus.Done)
        {
            codePoint = rune.Value;
            length = consumed;
        }

        return CharacterTables.WordBreakOf(codePoint);
    }

    private static bool IsLetter(WordBreak value) => value is WordBreak.ALetter or WordBreak.Hebrew_Letter;

    private static bool IsMidNumLetQ(WordBreak value) => value is WordBreak.MidNumLet or WordBreak.Single_Quote;

    private static bool IsNewline(WordBreak value) => value is WordBreak.Newline or WordBreak.CR or WordBreak.LF;

    private static bool IsIgnored(WordBreak value) => value is WordBreak.Extend or WordBreak.Format or WordBreak.ZWJ;
}
