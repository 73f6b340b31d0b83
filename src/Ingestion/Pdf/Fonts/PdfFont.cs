using RagCluster.Ingestion.Pdf.Objects;

namespace RagCluster.Ingestion.Pdf.Fonts;

/// <summary>One shown glyph.</summary>
/// <param name="Text">What it says; empty where nobody knows.</param>
/// <param name="Width">Its advance, in units of the font size.</param>
/// <param name="IsSpace">Whether word spacing applies: the single byte 32.</param>
internal readonly record struct Glyph(string Text, double Width, bool IsSpace);

/// <summary>Turns the bytes of a shown string into glyphs with text and widths.</summary>
internal abstract class PdfFont
{
    public required string Name { get; init; }

    public required bool IsBold { get; init; }

    /// <summary>How many glyphs had no text.</summary>
    public int Unknown { get; protected set; }

    protected CMap? ToUnicode { get; init; }

    public abstract void Decode(ReadOnlySpan<byte> text, List<Glyph> into);

    public static PdfFont Load(PdfFile file, PdfDictionary font)
    {
        var descendant = font.Array("DescendantFonts") is { Count: > 0 } fonts ? font.Resolve(fonts[0]) as PdfDictionary : null;
        var descriptor = (descendant ?? font).Dictionary("FontDescriptor");
        var name = font.Name("BaseFont") ?? descriptor?.Name("FontName") ?? "";
        var plus = name.IndexOf('+', StringComparison.Ordinal);
        name = plus == 6 ? name[7..] : name;
        var bold = name.Contains("Bold", StringComparison.OrdinalIgnoreCase) || name.Contains("Black", StringComparison.OrdinalIgnoreCase) || name.Contains("Heavy", StringComparison.OrdinalIgnoreCase)
            || name.StartsWith("CMBX", StringComparison.Ordinal) || descriptor is not null && ((descriptor.Int("Flags") & 1 << 18) != 0 || descriptor.Number("FontWeight") >= 600);
        var toUnicode = font.Stream("ToUnicode") is { } stream ? CMap.Parse(file.Decode(stream), file.Limits.NestingDepth) : null;
        return descendant is not null
            ? new CompositeFont(file, font, descendant) { Name = name, IsBold = bold, ToUnicode = toUnicode }
            : new SimpleFont(file, font, name) { Name = name, IsBold = bold, ToUnicode = toUnicode };
    }

    /// <summary>Ligatures as their letters; private-use characters, which only the font knows, as nothing.</summary>
    protected static string Readable(string text)
    {
        foreach (var c in text)
        {
            if (c is >= '\ufb00' and <= '\ufb06' or >= '\ue000' and <= '\uf8ff' or '\0')
            {
                return string.Concat(text.Select(x => x switch
                {
                    '\ufb00' => "ff",
                    '\ufb01' => "fi",
                    '\ufb02' => "fl",
                    '\ufb03' => "ffi",
                    '\ufb04' => "ffl",
                    '\ufb05' or '\ufb06' => "st",
                    // Symbol fonts put their bullets here.
                    '\uf0b7' or '\uf0a7' or '\uf076' or '\uf0d8' => "•",
                    >= '\uf020' and <= '\uf07e' => ((char)(x - 0xf000)).ToString(),
                    >= '\ue000' and <= '\uf8ff' or '\0' => "",
                    _ => x.ToString(),
                }));
            }
        }

        return text;
    }
}
