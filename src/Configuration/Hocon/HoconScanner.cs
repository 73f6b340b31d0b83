using System.Globalization;
using System.Text;

namespace RagCluster.Configuration.Hocon;

/// <summary>A position in one text, and the lexical rules: white space, comments, quoted and unquoted strings, paths.</summary>
internal sealed class HoconScanner(string source, string text, HoconLimits limits)
{
    // Where each line begins; filled on the way, so that origins cost a binary search.
    private readonly List<int> _lines = FindLines(text);

    public string Source { get; } = source;

    public int Position { get; set; }

    public bool AtEnd => Position >= text.Length;

    /// <summary>The current character; '\0' at the end, which is told apart by <see cref="AtEnd"/>.</summary>
    public char Current => Position < text.Length ? text[Position] : '\0';

    public HoconOrigin Here => At(Position);

    public bool StartsWith(string word) => string.CompareOrdinal(text, Position, word, 0, word.Length) == 0;

    public HoconOrigin At(int position)
    {
        var line = _lines.BinarySearch(position);
        line = line < 0 ? ~line - 1 : line;
        return new HoconOrigin(Source, line + 1, position - _lines[line] + 1);
    }

    public HoconException Expected(string expected, string? advice = null) => new(Here, DescribeCurrent(), expected, advice);

    public string DescribeCurrent() => Current switch
    {
        _ when AtEnd => "the end of the file",
        '\n' => "the end of the line",
        < ' ' or '\u007f' => $"the control character U+{(int)Current:X4}",
        _ => $"'{(char.IsHighSurrogate(Current) && Position + 1 < text.Length ? text.Substring(Position, 2) : Current.ToString())}'",
    };

    public bool AtComment => Current == '#' || StartsWith("//");

    public static bool IsWhitespace(char c) => c switch
    {
        ' ' or '\t' or '\n' or '\v' or '\f' or '\r' or '\uFEFF' => true,
        >= '\u001C' and <= '\u001F' => true,
        < '\u00A0' => false,
        _ => char.GetUnicodeCategory(c) is UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator,
    };

    /// <summary>Skips white space, newlines and comments; tells whether a newline was among them.</summary>
    public bool SkipBlank()
    {
        var newline = false;
        while (!AtEnd)
        {
            if (AtComment)
            {
                var end = text.IndexOf('\n', Position);
                Position = end < 0 ? text.Length : end;
            }
            else if (IsWhitespace(Current))
            {
                newline |= Current == '\n';
                Position++;
            }
            else
            {
                break;
            }
        }

        return newline;
    }

    /// <summary>Reads white space up to the end of the line.</summary>
    public string ReadGap()
    {
        var start = Position;
        while (!AtEnd && Current != '\n' && IsWhitespace(Current))
        {
            Position++;
        }

        return text[start..Position];
    }

    /// <summary>The characters that an unquoted string may not hold.</summary>
    public bool AtUnquotedEnd => AtEnd || IsWhitespace(Current) || "$\"{}[]:=,+#`^?!@*&\\".Contains(Current) || StartsWith("//");

    /// <summary>Reads a run of unquoted characters; empty where there is none. A leading JSON number may hold a '+'.</summary>
    public string ReadUnquoted(bool stopAtDot = false)
    {
        var start = Position;
        Position += stopAtDot ? 0 : NumberLength(text.AsSpan(Position));
        while (!AtUnquotedEnd && !(stopAtDot && Current == '.'))
        {
            Position++;
        }

        return text[start..Position];
    }

    /// <summary>How many characters at the start are a number as JSON writes them.</summary>
    public static int NumberLength(ReadOnlySpan<char> span)
    {
        var i = span is ['-', ..] ? 1 : 0;
        var digits = Digits(span[i..]);
        if (digits == 0 || (digits > 1 && span[i] == '0'))
        {
            return 0;
        }

        i += digits;
        if (i < span.Length && span[i] == '.' && Digits(span[(i + 1)..]) is > 0 and var fraction)
        {
            i += 1 + fraction;
        }

        if (i < span.Length && span[i] is 'e' or 'E')
        {
            var sign = i + 1 < span.Length && span[i + 1] is '+' or '-' ? 1 : 0;
            if (Digits(span[(i + 1 + sign)..]) is > 0 and var exponent)
            {
                i += 1 + sign + exponent;
            }
        }

        return i;

        static int Digits(ReadOnlySpan<char> s)
        {
            var end = s.IndexOfAnyExceptInRange('0', '9');
            return end < 0 ? s.Length : end;
        }
    }

    /// <summary>Reads a quoted or triple-quoted string; the position is on its opening quote.</summary>
    public string ReadQuoted()
    {
        var start = Position;
        if (StartsWith("\"\"\""))
        {
            var close = text.IndexOf("\"\"\"", start + 3, StringComparison.Ordinal);
            if (close < 0)
            {
                throw new HoconException(At(start), "an opening \"\"\" without its end", "a closing \"\"\"", "Close the string.");
            }

            // More than three quotes at the end: the surplus is part of the string.
            var end = close;
            while (end < text.Length && text[end] == '"')
            {
                end++;
            }

            Position = end;
            return text[(start + 3)..(end - 3)];
        }

        var result = new StringBuilder();
        Position++;
        while (Current != '"')
        {
            if (AtEnd || Current < ' ')
            {
                throw Expected(
                    $"the closing '\"' of the string that begins at {At(start)}",
                    "Close it, write control characters as \\n or \\u0000, or use \"\"\" for text of several lines.");
            }

            if (Current == '\\')
            {
                result.Append(ReadEscape());
            }
            else
            {
                result.Append(Current);
                Position++;
            }
        }

        Position++;
        return result.ToString();
    }

    /// <summary>
    /// Reads a path such as <c>a.b."c.d"</c> up to what cannot be part of one. White space is kept inside and left out at the ends.
    /// </summary>
    public IReadOnlyList<string> ReadPath(string what)
    {
        var elements = new List<string>();
        var element = new StringBuilder();
        var written = false;
        ReadGap();
        while (true)
        {
            var gap = ReadGap();
            var before = Position;
            if (Current == '.')
            {
                EndElement(gap);
                Position++;
                if (elements.Count >= limits.MaxDepth)
                {
                    throw new HoconException(At(before), $"a path of more than {limits.MaxDepth} elements", "a shorter one");
                }

                // What follows a dot may begin with white space, which then belongs to the element.
                element.Append(ReadGap());
                continue;
            }

            var piece = Current == '"' ? ReadQuoted() : ReadUnquoted(stopAtDot: true);
            if (Position == before)
            {
                EndElement("");
                return elements;
            }

            element.Append(gap).Append(piece);
            written = true;
        }

        void EndElement(string gap)
        {
            if (!written)
            {
                throw Expected(what, elements.Count == 0 ? null : "An empty path element is written \"\".");
            }

            elements.Add(element.Append(gap).ToString());
            element.Clear();
            written = false;
        }
    }

    private string ReadEscape()
    {
        var start = Position++;
        var escaped = Current;
        Position++;
        switch (escaped)
        {
            case '"' or '\\' or '/':
                return escaped.ToString();
            case 'b':
                return "\b";
            case 'f':
                return "\f";
            case 'n':
                return "\n";
            case 'r':
                return "\r";
            case 't':
                return "\t";
            case 'u' when Position + 4 <= text.Length
                && ushort.TryParse(text.AsSpan(Position, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code):
                Position += 4;
                return ((char)code).ToString();
            default:
                throw new HoconException(
                    At(start), $"the escape {text.AsSpan(start, Math.Min(2, text.Length - start))}", "one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX",
                    "Write a backslash as \\\\, or use \"\"\" where nothing is escaped.");
        }
    }

    private static List<int> FindLines(string text)
    {
        var lines = new List<int> { 0 };
        for (var i = text.IndexOf('\n'); i >= 0; i = text.IndexOf('\n', i + 1))
        {
            lines.Add(i + 1);
        }

        return lines;
    }
}
