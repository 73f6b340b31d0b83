using RagCluster.Ingestion.Pdf.Fonts;
using RagCluster.Ingestion.Pdf.Objects;

namespace RagCluster.Ingestion.Pdf.Content;

/// <summary>A file's fonts, each read once.</summary>
internal sealed class FontCache(PdfFile file)
{
    private const int MaxFonts = 4096;
    private readonly Dictionary<object, PdfFont?> _fonts = [];

    /// <summary>Glyphs that were shown without anybody knowing their text.</summary>
    public int Unknown => _fonts.Values.Sum(f => f?.Unknown ?? 0);

    public PdfFont? Get(PdfDictionary? fonts, string name) => fonts is null ? null : Get(file, fonts.Raw(name));

    public PdfFont? Get(PdfFile from, object? font)
    {
        if (font is null)
        {
            return null;
        }

        if (!_fonts.TryGetValue(font, out var known))
        {
            var dictionary = (font is PdfReference reference ? from.Get(reference) : font) as PdfDictionary;
            known = dictionary is null || _fonts.Count >= MaxFonts ? null : PdfFont.Load(file, dictionary);
            _fonts[font] = known;
        }

        return known;
    }
}
