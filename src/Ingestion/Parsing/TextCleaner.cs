using System.Buffers;
using System.Text;

namespace RagCluster.Ingestion.Parsing;

/// <summary>
/// Makes text canonical: well-formed UTF-16, "\n" line ends, no control characters but tab and line feed, no byte
/// order marks in the middle. What is clean already is returned as it is.
/// </summary>
internal static class TextCleaner
{
    private static readonly SearchValues<char> Suspects = SearchValues.Create(Suspicious());

    public static string Clean(string text)
    {
        var first = text.AsSpan().IndexOfAny(Suspects);
        if (first < 0)
        {
            return text;
        }

        var clean = new StringBuilder(text.Length);
        clean.Append(text, 0, first);
        for (var i = first; i < text.Length; i++)
        {
            var c = text[i];
            switch (c)
            {
                case '\r':
                    clean.Append('\n');
                    if (i + 1 < text.Length && text[i + 1] == '\n')
                    {
                        i++;
                    }

                    break;
                case '\u0085' or '\u2028' or '\u2029' or '\f' or '\v':
                    clean.Append('\n');
                    break;
                case '\t' or '\n':
                    clean.Append(c);
                    break;
                case < ' ' or (>= '\u007f' and <= '\u009f') or '\ufeff' or '\ufffe' or '\uffff':
                    break;
                case >= '\ud800' and <= '\udbff' when i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]):
                    clean.Append(c).Append(text[++i]);
                    break;
                case >= '\ud800' and <= '\udfff':
                    clean.Append('\ufffd');
                    break;
                default:
                    clean.Append(c);
                    break;
            }
        }

        return clean.ToString();
    }

    /// <summary>One line: runs of white space (no-break spaces too) become one space, soft hyphens and zero-width marks go, ends are trimmed.</summary>
    public static string OneLine(ReadOnlySpan<char> text) => Collapse(text, keepLines: false);

    /// <summary>As <see cref="OneLine"/>, but a run of white space that holds a line feed becomes one line feed.</summary>
    public static string Lines(ReadOnlySpan<char> text) => Collapse(text, keepLines: true);

    private static string Collapse(ReadOnlySpan<char> text, bool keepLines)
    {
        var line = new StringBuilder(text.Length);
        var space = false;
        var feed = false;
        foreach (var c in text)
        {
            if (char.IsWhiteSpace(c))
            {
                space = true;
                feed |= c == '\n';
            }
            else if (c is not ('\u00ad' or '\u200b' or '\u2060' or '\ufeff'))
            {
                if (space && line.Length > 0)
                {
                    line.Append(feed && keepLines ? '\n' : ' ');
                }

                space = feed = false;
                line.Append(c);
            }
        }

        return line.ToString();
    }

    private static string Suspicious()
    {
        var all = new StringBuilder();
        for (var c = '\0'; c < ' '; c++)
        {
            if (c is not ('\t' or '\n'))
            {
                all.Append(c);
            }
        }

        for (var c = '\u007f'; c <= '\u009f'; c++)
        {
            all.Append(c);
        }

        all.Append("\u2028\u2029\ufeff\ufffe\uffff");
        for (int c = 0xd800; c <= 0xdfff; c++)
        {
            all.Append((char)c);
        }

        return all.ToString();
    }
}
