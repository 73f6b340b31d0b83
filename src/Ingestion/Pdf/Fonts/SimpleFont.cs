using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using RagCluster.Ingestion.Pdf.Objects;

namespace RagCluster.Ingestion.Pdf.Fonts;

/// <summary>A font of single-byte codes: Type 1, TrueType, Type 3 (ISO 32000-1, 9.6).</summary>
internal sealed partial class SimpleFont : PdfFont
{
    private readonly string?[] _texts;
    private readonly double[] _widths = new double[256];

    public SimpleFont(PdfFile file, PdfDictionary font, string name)
    {
        _texts = Texts(file, font, name);
        var first = font.Int("FirstChar");
        var widths = font.Numbers("Widths", 1);
        var descriptor = font.Dictionary("FontDescriptor");
        var missing = descriptor?.Number("MissingWidth") ?? 0;
        // Type 3 fonts have a space of their own.
        var scale = font.Name("Subtype") == "Type3" ? Math.Abs(font.Numbers("FontMatrix", 6)?[0] ?? 0.001) : 0.001;
        for (var code = 0; code < 256; code++)
        {
            var width = widths is not null && code >= first && code - first < widths.Length ? widths[code - first]
                : widths is null ? StandardWidths.Of(name, _texts[code]) : missing;
            _widths[code] = width * scale;
        }
    }

    public override void Decode(ReadOnlySpan<byte> text, List<Glyph> into)
    {
        foreach (var code in text)
        {
            var shown = ToUnicode?.Text(code, 1) is { Length: > 0 } mapped ? Readable(mapped) : null;
            // TeX's fonts have no space; what writes one all the same means a space.
            shown ??= _texts[code] is { } own ? Readable(own) : code == 32 ? " " : "";
            if (shown.Length == 0)
            {
                Unknown++;
            }

            into.Add(new Glyph(shown, _widths[code], code == 32));
        }
    }

    private static string?[] Texts(PdfFile file, PdfDictionary font, string name)
    {
        var encoding = font["Encoding"];
        var dictionary = encoding as PdfDictionary;
        var named = (encoding as PdfName)?.Value ?? dictionary?.Name("BaseEncoding");
        var texts = (string?[])(Encodings.Named(named) ?? BuiltIn(file, font, name)).Clone();
        if (dictionary?.Array("Differences") is { } differences)
        {
            var code = 0;
            foreach (var raw in differences)
            {
                switch (dictionary.Resolve(raw))
                {
                    case double number:
                        code = (int)Math.Clamp(number, 0, 256);
                        break;
                    case PdfName glyph when code < 256:
                        texts[code] = glyph.Value == ".notdef" ? null : GlyphNames.Text(glyph.Value) ?? Numbered(glyph.Value, code);
                        code++;
                        break;
                }
            }
        }

        return texts;
    }

    // "g65" for code 65: some producers name glyphs after their code. Other numbers are the font's own and say nothing,
    // but for 3, which is the space in every TrueType font made to Microsoft's order.
    private static string? Numbered(string glyph, int code)
    {
        var match = NumberedName().Match(glyph);
        if (!match.Success)
        {
            return null;
        }

        var digits = match.Groups[1].ValueSpan;
        var isCode = int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number == code
            || int.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex) && hex == code;
        return isCode && code >= 32 ? Encodings.WinAnsi[code] : number == 3 ? " " : null;
    }

    private static string?[] BuiltIn(PdfFile file, PdfDictionary font, string name)
    {
        if (name.Contains("Symbol", StringComparison.OrdinalIgnoreCase) && !name.Contains("Segoe", StringComparison.OrdinalIgnoreCase))
        {
            return Encodings.Symbol;
        }

        if (name.Contains("Dingbats", StringComparison.OrdinalIgnoreCase))
        {
            return Encodings.ZapfDingbats;
        }

        var descriptor = font.Dictionary("FontDescriptor");
        if (descriptor?.Stream("FontFile") is { } program && Type1Encoding(file.Decode(program)) is { } own)
        {
            return own;
        }

        if (descriptor?.Stream("FontFile3") is { } compact && CompactFont.Read(file.Decode(compact)) is { Encoding: { } texts })
        {
            return texts;
        }

        return font.Name("Subtype") == "TrueType" ? Encodings.WinAnsi : Encodings.Standard;
    }

    /// <summary>The encoding in the clear part of a Type 1 font program: "dup 65 /A put".</summary>
    private static string?[]? Type1Encoding(byte[] program)
    {
        var clear = program.AsSpan().IndexOf("eexec"u8);
        var text = Encoding.Latin1.GetString(program, 0, clear < 0 ? Math.Min(program.Length, 64 << 10) : clear);
        string?[]? texts = null;
        foreach (Match match in EncodingEntry().Matches(text))
        {
            if (int.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out var code) && code < 256)
            {
                texts ??= new string?[256];
                texts[code] = GlyphNames.Text(match.Groups[2].Value);
            }
        }

        return texts;
    }

    [GeneratedRegex(@"^(?:g|c|C|G|char|cid|index|a)0*([0-9a-fA-F]{1,4})$")]
    private static partial Regex NumberedName();

    [GeneratedRegex(@"dup\s+(\d{1,3})\s*/(\S+)\s+put")]
    private static partial Regex EncodingEntry();
}
