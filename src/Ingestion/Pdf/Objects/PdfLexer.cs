using System.Globalization;
using System.Text;

namespace RagCluster.Ingestion.Pdf.Objects;

/// <summary>
/// Reads objects from bytes (ISO 32000-1, 7.2 and 7.3), forgiving what viewers forgive: it never throws, it skips what
/// is no token, and every call moves on or reports the end.
/// </summary>
internal sealed class PdfLexer(ReadOnlyMemory<byte> data, IPdfResolver? file, int maxDepth)
{
    /// <summary>What <see cref="Read"/> returns behind the last object.</summary>
    public static readonly object End = new PdfKeyword("");

    private static readonly object CloseArray = new PdfKeyword("]");
    private static readonly object CloseDictionary = new PdfKeyword(">>");
    private readonly Dictionary<int, PdfKeyword> _keywords = [];
    private int _position;

    public int Position { get => _position; set => _position = value; }

    public ReadOnlyMemory<byte> Data => data;

    private ReadOnlySpan<byte> Span => data.Span;

    /// <summary>The next object; keywords that mean nothing come as <see cref="PdfKeyword"/>.</summary>
    public object? Read() => Read(0);

    public static bool IsWhite(byte b) => b is 0 or 9 or 10 or 12 or 13 or 32;

    public static bool IsDelimiter(byte b) => b is (byte)'(' or (byte)')' or (byte)'<' or (byte)'>' or (byte)'[' or (byte)']' or (byte)'{' or (byte)'}' or (byte)'/' or (byte)'%';

    public void SkipWhite()
    {
        var span = Span;
        while (Position < span.Length)
        {
            var b = span[Position];
            if (IsWhite(b))
            {
                Position++;
            }
            else if (b == '%')
            {
                var end = span[Position..].IndexOfAny((byte)'\r', (byte)'\n');
                Position = end < 0 ? span.Length : Position + end;
            }
            else
            {
                break;
            }
        }
    }

    /// <summary>Whether the next token is this keyword; if so it is consumed.</summary>
    public bool TryKeyword(ReadOnlySpan<byte> keyword)
    {
        SkipWhite();
        if (Position <= Span.Length && Span[Position..].StartsWith(keyword))
        {
            Position += keyword.Length;
            return true;
        }

        return false;
    }

    private object? Read(int depth)
    {
        SkipWhite();
        var span = Span;
        if (Position >= span.Length)
        {
            return End;
        }

        var b = span[Position];
        switch (b)
        {
            case (byte)'/':
                Position++;
                return new PdfName(ReadName());
            case (byte)'(':
                return PdfStrings.Literal(span, ref _position);
            case (byte)'<':
                if (Position + 1 < span.Length && span[Position + 1] == '<')
                {
                    Position += 2;
                    return ReadDictionary(depth);
                }

                return PdfStrings.Hexadecimal(span, ref _position);
            case (byte)'>':
                Position += Position + 1 < span.Length && span[Position + 1] == '>' ? 2 : 1;
                return CloseDictionary;
            case (byte)'[':
                Position++;
                return ReadArray(depth);
            case (byte)']':
                Position++;
                return CloseArray;
            case (byte)'{' or (byte)'}' or (byte)')':
                Position++;
                return new PdfKeyword(((char)b).ToString());
            case (byte)'+' or (byte)'-' or (byte)'.' or >= (byte)'0' and <= (byte)'9':
                return ReadNumber();
            default:
                return ReadKeyword();
        }
    }

    private PdfArray ReadArray(int depth)
    {
        var array = new PdfArray();
        while (depth < maxDepth)
        {
            var value = Read(depth + 1);
            if (value == CloseArray || value == End)
            {
                return array;
            }

            // The bracket was never closed.
            if (value is PdfKeyword { Value: "endobj" or "stream" or "ET" })
            {
                return array;
            }

            if (value is not PdfKeyword)
            {
                array.Add(value);
            }
        }

        return array;
    }

    private PdfDictionary ReadDictionary(int depth)
    {
        var dictionary = new PdfDictionary(file);
        while (depth < maxDepth)
        {
            var key = Read(depth + 1);
            if (key == CloseDictionary || key == End || key is PdfKeyword { Value: "endobj" or "stream" })
            {
                if (key is PdfKeyword { Value: "stream" })
                {
                    Position -= 6;
                }

                break;
            }

            if (key is not PdfName name)
            {
                continue;
            }

            var value = Read(depth + 1);
            if (value == CloseDictionary || value == End)
            {
                break;
            }

            dictionary[name.Value] = value is PdfKeyword ? null : value;
        }

        return dictionary;
    }

    private string ReadName()
    {
        var span = Span;
        var start = Position;
        var escaped = false;
        while (Position < span.Length && !IsWhite(span[Position]) && !IsDelimiter(span[Position]))
        {
            escaped |= span[Position] == '#';
            Position++;
        }

        var raw = span[start..Position];
        if (!escaped)
        {
            return Encoding.Latin1.GetString(raw);
        }

        var name = new StringBuilder(raw.Length);
        for (var i = 0; i < raw.Length; i++)
        {
            if (raw[i] == '#' && i + 2 < raw.Length && PdfStrings.Digit(raw[i + 1]) is var high and >= 0 && PdfStrings.Digit(raw[i + 2]) is var low and >= 0)
            {
                name.Append((char)(high * 16 + low));
                i += 2;
            }
            else
            {
                name.Append((char)raw[i]);
            }
        }

        return name.ToString();
    }

    private object ReadNumber()
    {
        var start = Position;
        var number = Number();
        // "12 0 R" is a reference; only files have them, content streams do not.
        if (file is not null && number is >= 0 and < int.MaxValue && number == Math.Floor(number) && Span[start..Position].IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0)
        {
            var back = Position;
            SkipWhite();
            var digits = Position;
            while (Position < Span.Length && Position - digits < 6 && Span[Position] is >= (byte)'0' and <= (byte)'9')
            {
                Position++;
            }

            if (Position > digits)
            {
                var generation = int.Parse(Span[digits..Position], NumberStyles.None, CultureInfo.InvariantCulture);
                SkipWhite();
                if (Position < Span.Length && Span[Position] == 'R' && (Position + 1 == Span.Length || IsWhite(Span[Position + 1]) || IsDelimiter(Span[Position + 1])))
                {
                    Position++;
                    return new PdfReference((int)number, generation);
                }
            }

            Position = back;
        }

        return number;
    }

    private double Number()
    {
        var span = Span;
        var negative = false;
        while (Position < span.Length && span[Position] is (byte)'+' or (byte)'-')
        {
            negative |= span[Position] == '-';
            Position++;
        }

        double value = 0, scale = 0;
        while (Position < span.Length)
        {
            var b = span[Position];
            if (b is >= (byte)'0' and <= (byte)'9')
            {
                value = value * 10 + (b - '0');
                scale *= 10;
            }
            else if (b == '.' && scale == 0)
            {
                scale = 1;
            }
            else if (b != '-')
            {
                break;
            }

            Position++;
        }

        value = scale > 1 ? value / scale : value;
        return negative ? -value : value;
    }

    private object? ReadKeyword()
    {
        var span = Span;
        var start = Position;
        while (Position < span.Length && !IsWhite(span[Position]) && !IsDelimiter(span[Position]))
        {
            Position++;
        }

        var word = span[start..Position];
        if (word.SequenceEqual("true"u8))
        {
            return true;
        }

        if (word.SequenceEqual("false"u8))
        {
            return false;
        }

        if (word.SequenceEqual("null"u8))
        {
            return null;
        }

        // Operators are at most three bytes long and come in great numbers.
        if (word.Length > 3)
        {
            return new PdfKeyword(Encoding.Latin1.GetString(word[..Math.Min(word.Length, 64)]));
        }

        var key = 0;
        foreach (var b in word)
        {
            key = key << 8 | b;
        }

        if (!_keywords.TryGetValue(key, out var keyword))
        {
            _keywords[key] = keyword = new PdfKeyword(Encoding.Latin1.GetString(word));
        }

        return keyword;
    }
}
