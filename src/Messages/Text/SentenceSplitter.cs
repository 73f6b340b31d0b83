using System.Buffers;
using System.Globalization;

namespace RagCluster.Messages.Text;

/// <summary>
/// Splits a text into sentences with exact offsets. The spans are in order, do not overlap, neither begin nor end in
/// white space, and together hold every character of the text that is not white space.
/// </summary>
/// <remarks>
/// Two passes. First lines are gathered into blocks: a blank line, a heading, a list item and a table row each end
/// one, and so does a short line without closing punctuation before a line that begins like a sentence (a heading
/// that lost its markup). Then each block is cut after '.', '!', '?' and their relatives, unless what stands there is an
/// abbreviation, an initial, a list number, or goes on in lower case. Decimals and codes need no rule: no white space
/// follows their dots.
/// Time is linear in the length of the text.
/// </remarks>
public static class SentenceSplitter
{
    /// <summary>A line up to this long, without closing punctuation, is taken for a heading.</summary>
    private const int HeadingLength = 60;

    private static readonly SearchValues<char> LineEnds = SearchValues.Create("\n\r\f\u2029");
    private static readonly SearchValues<char> Marks = SearchValues.Create(".!?…。！？");
    private static readonly SearchValues<char> RomanDigits = SearchValues.Create("ivxIVX");

    public static IReadOnlyList<TextSpan> Split(ReadOnlySpan<char> text)
    {
        var sentences = new List<TextSpan>();
        var block = 0;
        var line = 0;
        while (line < text.Length)
        {
            var end = EndOfLine(text, line);
            var next = NextLine(text, end);
            if (next >= text.Length || EndsBlock(text, line, end, next))
            {
                SplitBlock(text, block, end, sentences);
                block = next;
            }

            line = next;
        }

        return sentences;
    }

    private static int EndOfLine(ReadOnlySpan<char> text, int from)
    {
        var length = text[from..].IndexOfAny(LineEnds);
        return length < 0 ? text.Length : from + length;
    }

    private static int NextLine(ReadOnlySpan<char> text, int end) =>
        end + 1 < text.Length && text[end] == '\r' && text[end + 1] == '\n' ? end + 2 : end + 1;

    private static bool EndsBlock(ReadOnlySpan<char> text, int start, int end, int next)
    {
        var line = text[start..end].Trim();
        var following = text[next..EndOfLine(text, next)].Trim();
        if (line.IsEmpty || following.IsEmpty || text[end] is '\f' or '\u2029')
        {
            return true;
        }

        if (IsHeading(line) || IsTableRow(line) || IsHeading(following) || IsTableRow(following) || ListMarker(following) > 0)
        {
            return true;
        }

        return line.Length <= HeadingLength && !IsClosing(line[^1]) && line[^1] is not (',' or ';' or '-' or '(' or '&' or '/')
            && char.IsUpper(following[0]) && !EndsOpen(line);
    }

    private static bool IsHeading(ReadOnlySpan<char> line) => line[0] == '#' && line.TrimStart('#') is [' ', ..];

    private static bool IsTableRow(ReadOnlySpan<char> line) =>
        line[0] == '|' || line.Count('|') >= 2 || line.Contains('\t');

    /// <summary>A line that ends in a small word ("of", "the", "and") goes on in the next one.</summary>
    private static bool EndsOpen(ReadOnlySpan<char> line)
    {
        var last = line[(line.LastIndexOfAny(' ', '\t') + 1)..];
        return last.Length <= 3 && !last.ContainsAnyExceptInRange('a', 'z');
    }

    /// <summary>The length of "- ", "* ", "12. ", "a) ", "(iv) " and the like at the start of a line, or 0.</summary>
    private static int ListMarker(ReadOnlySpan<char> line)
    {
        if (line.Length >= 2 && line[0] is '-' or '*' or '+' or '•' or '◦' or '▪' or '–' or '·' && line.Length >= 2 && char.IsWhiteSpace(line[1]))
        {
            return 2;
        }

        var at = line is ['(', ..] ? 1 : 0;
        var body = at;
        while (at < line.Length && at - body < 4 && (char.IsAsciiLetterOrDigit(line[at]) || (at > body && line[at] == '.' && at + 1 < line.Length && char.IsAsciiDigit(line[at + 1]))))
        {
            at++;
        }

        if (at == body || at + 1 >= line.Length || line[at] is not ('.' or ')') || !char.IsWhiteSpace(line[at + 1]))
        {
            return 0;
        }

        var label = line[body..at];
        return char.IsAsciiDigit(label[0]) || label.Length == 1 || (line[at] == ')' && !label.ContainsAnyExcept(RomanDigits)) ? at + 2 : 0;
    }

    private static void SplitBlock(ReadOnlySpan<char> text, int start, int end, List<TextSpan> sentences)
    {
        start = SkipWhite(text, start, end);
        var at = start;
        if (at < end)
        {
            at += ListMarker(text[at..end]);
        }

        while (at < end)
        {
            var stop = text[at..end].IndexOfAny(Marks);
            if (stop < 0)
            {
                break;
            }

            var mark = at + stop;
            at = mark + 1;
            while (at < end && (text[at] is '.' or '!' or '?' or '…' || IsCloser(text[at])))
            {
                at++;
            }

            if (IsEndOfSentence(text, start, mark, at, end))
            {
                sentences.Add(new TextSpan(start, at));
                start = at = SkipWhite(text, at, end);
            }
        }

        while (end > start && char.IsWhiteSpace(text[end - 1]))
        {
            end--;
        }

        if (end > start)
        {
            sentences.Add(new TextSpan(start, end));
        }
    }

    /// <summary>Whether the sentence that began at <paramref name="start"/> ends with the mark, whose closing quotes and brackets end at <paramref name="after"/>.</summary>
    private static bool IsEndOfSentence(ReadOnlySpan<char> text, int start, int mark, int after, int end)
    {
        if (text[mark] is '。' or '！' or '？')
        {
            return true;
        }

        var next = SkipWhite(text, after, end);
        if (next >= end)
        {
            return true;
        }

        if (next == after)
        {
            return false;
        }

        var opener = next;
        while (opener < end && IsOpener(text[opener]))
        {
            opener++;
        }

        if (opener < end && char.IsLower(text[opener]))
        {
            return false;
        }

        return text[mark] != '.' || after - mark > 1 || !IsAbbreviation(text, start, mark, opener < end ? text[opener] : ' ');
    }

    private static bool IsAbbreviation(ReadOnlySpan<char> text, int start, int dot, char next)
    {
        var from = dot;
        while (from > start && (char.IsLetterOrDigit(text[from - 1]) || text[from - 1] is '.' or '&' or '\''))
        {
            from--;
        }

        var word = text[from..dot];
        if (word.IsEmpty)
        {
            return false;
        }

        if (word.Length == 1 && char.IsUpper(word[0]))
        {
            // An initial ("J. Smith"); but "Plan B. The ..." ends, where the letter follows a word in lower case.
            return char.IsUpper(next) && !FollowsLowerWord(text, start, from);
        }

        if (from == start && !word.ContainsAnyExceptInRange('0', '9') && word.Length <= 3)
        {
            return true;
        }

        Span<char> lower = stackalloc char[8];
        if (word.Length > lower.Length)
        {
            return false;
        }

        lower = lower[..word.ToLowerInvariant(lower)];
        return lower switch
        {
            // Titles and names: a capital always follows.
            "mr" or "mrs" or "ms" or "dr" or "prof" or "st" or "rev" or "hon" or "gen" or "col" or "capt" or "lt" or "sgt" or "messrs" => true,
            "e.g" or "i.e" or "cf" or "vs" or "viz" or "al" or "ca" or "approx" or "incl" or "resp" => true,
            // References: a number follows.
            "no" or "nos" or "sec" or "secs" or "art" or "arts" or "fig" or "figs" or "para" or "paras" or "ch" or "chap" or "vol" or "pp" or "p" or "eq" or "tab" or "cl" or "ref" or "ext" or "tel" or "app" or "min" or "max" =>
                char.IsDigit(next) || IsRomanOrLetterLabel(next, lower),
            "jan" or "feb" or "mar" or "apr" or "jun" or "jul" or "aug" or "sep" or "sept" or "oct" or "nov" or "dec" => char.IsDigit(next),
            // May stand inside a sentence or end one: a capital after them is taken for a new sentence.
            "etc" or "inc" or "ltd" or "co" or "corp" or "plc" or "llc" or "jr" or "sr" or "a.m" or "p.m" or "est" or "dept" or "assn" or "bros" or "p.a" => !char.IsUpper(next),
            "u.s" or "u.k" or "e.u" or "u.n" or "ph.d" or "m.d" or "b.a" or "m.a" => !StartsSentence(text, dot + 1),
            _ => false,
        };
    }

    private static bool IsRomanOrLetterLabel(char next, ReadOnlySpan<char> word) =>
        next is 'I' or 'V' or 'X' && word is not ("no" or "min" or "max" or "p");

    private static bool FollowsLowerWord(ReadOnlySpan<char> text, int start, int from)
    {
        var at = from - 1;
        while (at > start && char.IsWhiteSpace(text[at]))
        {
            at--;
        }

        var end = at + 1;
        while (at >= start && char.IsLetter(text[at]))
        {
            at--;
        }

        // "Plan B.", "plan B.", "Schedule A.": labelled things; names have capitals too, so only these words count.
        Span<char> lower = stackalloc char[10];
        var word = text[(at + 1)..end];
        if (word.IsEmpty || word.Length > lower.Length)
        {
            return false;
        }

        lower = lower[..word.ToLowerInvariant(lower)];
        return lower is "plan" or "part" or "class" or "option" or "schedule" or "appendix" or "annex" or "section" or "table" or "type" or "vitamin" or "grade" or "group" or "rider" or "series" or "level" or "tier";
    }

    /// <summary>Whether the word after an acronym is one that usually begins a sentence.</summary>
    private static bool StartsSentence(ReadOnlySpan<char> text, int from)
    {
        while (from < text.Length && char.IsWhiteSpace(text[from]))
        {
            from++;
        }

        var end = from;
        while (end < text.Length && char.IsLetter(text[end]))
        {
            end++;
        }

        return text[from..end] is "The" or "A" or "An" or "It" or "This" or "That" or "These" or "Those" or "He" or "She" or "We" or "They" or "You" or "In" or "On" or "If" or "For" or "But" or "However" or "There" or "Its" or "Our" or "When" or "What" or "How";
    }

    private static int SkipWhite(ReadOnlySpan<char> text, int from, int end)
    {
        while (from < end && char.IsWhiteSpace(text[from]))
        {
            from++;
        }

        return from;
    }

    private static bool IsClosing(char last) => last is '.' or '!' or '?' or '…' or '。' or '！' or '？' || IsCloser(last);

    private static bool IsCloser(char c) =>
        c is ')' or ']' or '}' or '"' or '\'' or '”' or '’' or '»' || CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.FinalQuotePunctuation;

    private static bool IsOpener(char c) =>
        c is '(' or '[' or '{' or '"' or '\'' or '“' or '‘' or '«' || CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.InitialQuotePunctuation;
}
