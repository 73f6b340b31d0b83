using System.Text;
using RagCluster.Ingestion.Pdf.Objects;

namespace RagCluster.Ingestion.Pdf.Fonts;

/// <summary>A character map: how bytes form codes, and what codes mean: text (ToUnicode) or glyph numbers (ISO 32000-1, 9.7.5 and 9.10.3).</summary>
internal sealed class CMap
{
    private const int MaxEntries = 1 << 18;
    private readonly List<(int Length, uint Low, uint High)> _spaces = [];
    private readonly Dictionary<(int Length, uint Code), string> _texts = [];
    private readonly List<(int Length, uint Low, uint High, int Cid)> _cids = [];

    public bool HasText => _texts.Count > 0;

    public bool HasCodeSpaces => _spaces.Count > 0;

    /// <summary>Whether any code has this many bytes.</summary>
    public bool HasLength(int length) => _spaces.Any(s => s.Length == length);

    public static CMap Parse(byte[] bytes, int maxDepth)
    {
        var map = new CMap();
        var lexer = new PdfLexer(bytes, null, maxDepth);
        var operands = new List<object?>();
        for (var value = lexer.Read(); value != PdfLexer.End; value = lexer.Read())
        {
            if (value is not PdfKeyword keyword)
            {
                if (operands.Count < 512 * 3)
                {
                    operands.Add(value);
                }

                continue;
            }

            switch (keyword.Value)
            {
                case "endcodespacerange":
                    map.CodeSpaces(operands);
                    break;
                case "endbfchar":
                    map.Characters(operands);
                    break;
                case "endbfrange":
                    map.Ranges(operands);
                    break;
                case "endcidrange":
                    map.CidRanges(operands);
                    break;
                case "endcidchar":
                    map.CidCharacters(operands);
                    break;
            }

            operands.Clear();
        }

        return map;
    }

    /// <summary>The next code of a string and its length in bytes, by the longest code space that it lies in.</summary>
    public (uint Code, int Length) Next(ReadOnlySpan<byte> text, int otherwise)
    {
        for (var length = 1; length <= Math.Min(4, text.Length); length++)
        {
            var code = Value(text[..length]);
            foreach (var space in _spaces)
            {
                if (space.Length == length && Within(code, space.Low, space.High, length))
                {
                    return (code, length);
                }
            }
        }

        var take = Math.Min(otherwise, text.Length);
        return (Value(text[..take]), take);
    }

    public string? Text(uint code, int length) => _texts.GetValueOrDefault((length, code));

    public int? Cid(uint code, int length)
    {
        foreach (var range in _cids)
        {
            if (range.Length == length && code >= range.Low && code <= range.High)
            {
                return range.Cid + (int)(code - range.Low);
            }
        }

        return null;
    }

    // Each byte lies in its own range.
    private static bool Within(uint code, uint low, uint high, int length)
    {
        for (var shift = 0; shift < 8 * length; shift += 8)
        {
            var b = code >> shift & 255;
            if (b < (low >> shift & 255) || b > (high >> shift & 255))
            {
                return false;
            }
        }

        return true;
    }

    private static uint Value(ReadOnlySpan<byte> bytes)
    {
        var value = 0u;
        foreach (var b in bytes)
        {
            value = value << 8 | b;
        }

        return value;
    }

    private void CodeSpaces(List<object?> operands)
    {
        for (var i = 0; i + 1 < operands.Count; i += 2)
        {
            if (operands[i] is byte[] { Length: >= 1 and <= 4 } low && operands[i + 1] is byte[] high && high.Length == low.Length)
            {
                _spaces.Add((low.Length, Value(low), Value(high)));
            }
        }
    }

    private void Characters(List<object?> operands)
    {
        for (var i = 0; i + 1 < operands.Count; i += 2)
        {
            if (operands[i] is byte[] { Length: >= 1 and <= 4 } code && operands[i + 1] is byte[] text)
            {
                Put(code.Length, Value(code), Utf16(text));
            }
        }
    }

    private void Ranges(List<object?> operands)
    {
        for (var i = 0; i + 2 < operands.Count; i += 3)
        {
            if (operands[i] is not byte[] { Length: >= 1 and <= 4 } first || operands[i + 1] is not byte[] last)
            {
                continue;
            }

            var low = Value(first);
            var high = Math.Min(Value(last), (long)low + 0xffff);
            if (operands[i + 2] is PdfArray texts)
            {
                for (var n = 0; n < texts.Count && low + n <= high; n++)
                {
                    if (texts[n] is byte[] text)
                    {
                        Put(first.Length, low + (uint)n, Utf16(text));
                    }
                }
            }
            else if (operands[i + 2] is byte[] start && Utf16(start) is { Length: > 0 } text)
            {
                // The last code unit counts up; a pair counts up as one character.
                var prefix = text[..^1];
                var unit = (int)text[^1];
                if (text.Length >= 2 && char.IsSurrogatePair(text[^2], text[^1]))
                {
                    prefix = text[..^2];
                    unit = char.ConvertToUtf32(text[^2], text[^1]);
                }

                for (long code = low; code <= high && _texts.Count < MaxEntries; code++, unit++)
                {
                    Put(first.Length, (uint)code, Rune.IsValid(unit) ? prefix + char.ConvertFromUtf32(unit) : "");
                }
            }
        }
    }

    private void CidRanges(List<object?> operands)
    {
        for (var i = 0; i + 2 < operands.Count; i += 3)
        {
            if (operands[i] is byte[] low && operands[i + 1] is byte[] high && operands[i + 2] is double cid && _cids.Count < MaxEntries)
            {
                _cids.Add((low.Length, Value(low), Value(high), (int)cid));
            }
        }
    }

    private void CidCharacters(List<object?> operands)
    {
        for (var i = 0; i + 1 < operands.Count; i += 2)
        {
            if (operands[i] is byte[] code && operands[i + 1] is double cid && _cids.Count < MaxEntries)
            {
                _cids.Add((code.Length, Value(code), Value(code), (int)cid));
            }
        }
    }

    private void Put(int length, uint code, string text)
    {
        if (_texts.Count < MaxEntries)
        {
            _texts[(length, code)] = text;
        }
    }

    private static string Utf16(byte[] bytes) =>
        bytes.Length == 1 ? ((char)bytes[0]).ToString() : Encoding.BigEndianUnicode.GetString(bytes, 0, bytes.Length & ~1);
}
