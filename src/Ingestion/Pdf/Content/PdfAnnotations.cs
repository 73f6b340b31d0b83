using RagCluster.Ingestion.Pdf.Objects;

namespace RagCluster.Ingestion.Pdf.Content;

/// <summary>What stands on a page without being part of it: filled form fields, text boxes, stamps (ISO 32000-1, 12.5.5).</summary>
internal static class PdfAnnotations
{
    private const int MaxAnnotations = 5_000;
    private const int Hidden = 2;

    /// <summary>The normal appearance of each visible one, and the way from its form space to the page's user space.</summary>
    public static IEnumerable<(PdfStream Form, Matrix ToUserSpace)> Appearances(PdfDictionary page)
    {
        foreach (var raw in page.Array("Annots")?.Take(MaxAnnotations) ?? [])
        {
            if (page.Resolve(raw) is not PdfDictionary note || note.Name("Subtype") is not ("Widget" or "FreeText" or "Stamp") || (note.Int("F") & Hidden) != 0)
            {
                continue;
            }

            var appearance = note.Dictionary("AP")?["N"];
            if (appearance is PdfDictionary states)
            {
                appearance = note.Name("AS") is { } state ? states[state] : null;
            }

            if (appearance is PdfStream form && note.Numbers("Rect", 4) is { } place)
            {
                var box = form.Dictionary.Numbers("BBox", 4) ?? [0, 0, 0, 0];
                yield return (form, new Matrix(1, 0, 0, 1, Math.Min(place[0], place[2]) - Math.Min(box[0], box[2]), Math.Min(place[1], place[3]) - Math.Min(box[1], box[3])));
            }
        }
    }
}
