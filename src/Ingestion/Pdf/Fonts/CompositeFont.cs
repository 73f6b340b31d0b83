using System.Text;
using RagCluster.Ingestion.Pdf.Objects;

namespace RagCluster.Ingestion.Pdf.Fonts;

/// <summary>A font of multi-byte codes: Type 0 over a CID font (ISO 32000-1, 9.7).</summary>
internal sealed class CompositeFont : PdfFont
{
    private readonly CMap? _encoding;
    private readonly bool _isUnicode;
    private readonly double _defaultWidth;
    private readonly Dictionary<int, double> _widths = [];
    private readonly IReadOnlyDictionary<int, string>? _byGlyph;
    private readonly byte[]? _cidToGlyph;

    public CompositeFont(PdfFile file, PdfDictionary font, PdfDictionary descendant)
    {
        var named = font.Name("Encoding") ?? "";
        // These predefined maps' codes are UTF-16 themselves.
        _isUnicode = named.StartsWith("Uni", StringComparison.Ordinal) && (named.Contains("UCS2", StringComparison.Ordinal) || named.Contains("UTF16", StringComparison.Ordinal));
        _encoding = font.Stream("Encoding") is { } stream ? CMap.Parse(file.Decode(stream), file.Limits.NestingDepth) : null;
        _defaultWidth = descendant.Number("DW", 1000) / 1000;
        ReadWidths(descendant);
        if (!font.Has("ToUnicode") && !_isUnicode)
        {
            _cidToGlyph = descendant.Stream("CIDToGIDMap") is { } map ? file.Decode(map) : null;
            var descriptor = descendant.Dictionary("FontDescriptor");
            _byGlyph = descriptor?.Stream("FontFile2") is { } trueType ? TrueTypeFont.TextByGlyph(file.Decode(trueType))
                : descriptor?.Stream("FontFile3") is { } compact ? CompactFont.Read(file.Decode(compact))?.TextByGlyph
                : null;
        }
    }

    public override void Decode(ReadOnlySpan<byte> text, List<Glyph> into)
    {
        while (text.Length > 0)
        {
            var (code, length) = _encoding is { HasCodeSpaces: true } ? _encoding.Next(text, 2)
                : text.Length >= 2 ? ((uint)(text[0] << 8 | text[1]), 2) : (text[0], 1);
            var cid = _encoding?.Cid(code, length) ?? (int)Math.Min(code, int.MaxValue);
            var shown = ToUnicode?.Text(code, length) ?? ToUnicode?.Text(code, ToUnicode.HasLength(1) && code < 256 ? 1 : 2) ?? Own(code, cid);
            shown = shown is null ? "" : Readable(shown);
            if (shown.Length == 0)
            {
                Unknown++;
            }

            into.Add(new Glyph(shown, _widths.GetValueOrDefault(cid, _defaultWidth), length == 1 && code == 32));
            text = text[Math.Max(1, length)..];
        }
    }

    private string? Own(uint code, int cid)
    {
        if (_isUnicode)
        {
            return Rune.IsValid((int)code) ? char.ConvertFromUtf32((int)code) : null;
        }

        var glyph = _cidToGlyph is not null && 2 * cid + 1 < _cidToGlyph.Length ? _cidToGlyph[2 * cid] << 8 | _cidToGlyph[2 * cid + 1] : cid;
        return _byGlyph?.GetValueOrDefault(glyph);
    }

    // "c [w1 w2 ...]" or "first last w".
    private void ReadWidths(PdfDictionary descendant)
    {
        if (descendant.Array("W") is not { } widths)
        {
            return;
        }

        for (var i = 0; i + 1 < widths.Count && descendant.Resolve(widths[i]) is double first;)
        {
            if (descendant.Resolve(widths[i + 1]) is PdfArray list)
            {
                for (var n = 0; n < list.Count; n++)
                {
                    _widths[(int)first + n] = (descendant.Resolve(list[n]) is double w ? w : 0) / 1000;
                }

                i += 2;
            }
            else if (i + 2 < widths.Count && descendant.Resolve(widths[i + 1]) is double last && descendant.Resolve(widths[i + 2]) is double width)
            {
                for (var cid = (int)first; cid <= Math.Min(last, first + 65_535); cid++)
                {
                    _widths[cid] = width / 1000;
                }

                i += 3;
            }
            else
            {
                break;
            }
        }
    }
}
