using RagCluster.Ingestion.Pdf.Content;
using RagCluster.Ingestion.Pdf.Objects;

namespace RagCluster.Ingestion.Pdf;

/// <summary>One page: what it shows and with which resources.</summary>
/// <param name="ToPage">From user space to the page as it is looked at.</param>
internal sealed record PdfPage(PdfDictionary Dictionary, PdfDictionary? Resources, Matrix ToPage);

/// <summary>Walks the page tree (ISO 32000-1, 7.7.3); a file whose tree is broken gives its page objects in the order of their numbers.</summary>
internal static class PdfPages
{
    public static List<PdfPage> Of(PdfFile file, int limit)
    {
        var pages = new List<PdfPage>();
        var root = file.Trailer.Dictionary("Root")?.Dictionary("Pages");
        if (root is not null)
        {
            Walk(file, root, new Inherited(null, null, 0), pages, [], limit, 0);
        }

        if (pages.Count == 0)
        {
            foreach (var number in file.Numbers)
            {
                file.Cancellation.ThrowIfCancellationRequested();
                if (file.Get(new PdfReference(number, 0)) is PdfDictionary page && page.Name("Type") == "Page" && pages.Count < limit)
                {
                    pages.Add(Page(page, new Inherited(null, null, 0)));
                }
            }
        }

        return pages;
    }

    private sealed record Inherited(PdfDictionary? Resources, double[]? MediaBox, int Rotate);

    private static void Walk(PdfFile file, PdfDictionary node, Inherited inherited, List<PdfPage> pages, HashSet<PdfDictionary> seen, int limit, int depth)
    {
        file.Cancellation.ThrowIfCancellationRequested();
        if (!seen.Add(node) || depth > file.Limits.NestingDepth || pages.Count >= limit)
        {
            return;
        }

        inherited = new Inherited(node.Dictionary("Resources") ?? inherited.Resources, node.Numbers("MediaBox", 4) ?? inherited.MediaBox, node.Int("Rotate", inherited.Rotate));
        if (node.Array("Kids") is { } kids && node.Name("Type") != "Page")
        {
            foreach (var kid in kids)
            {
                if (node.Resolve(kid) is PdfDictionary child)
                {
                    Walk(file, child, inherited, pages, seen, limit, depth + 1);
                }
            }
        }
        else if (node.Has("Contents") || node.Name("Type") == "Page" || node.Has("MediaBox"))
        {
            pages.Add(Page(node, inherited));
        }
    }

    private static PdfPage Page(PdfDictionary page, Inherited inherited)
    {
        var rotate = ((page.Int("Rotate", inherited.Rotate) % 360) + 360) % 360;
        var toPage = rotate switch
        {
            90 => new Matrix(0, -1, 1, 0, 0, 0),
            180 => new Matrix(-1, 0, 0, -1, 0, 0),
            270 => new Matrix(0, 1, -1, 0, 0, 0),
            _ => Matrix.Identity,
        };
        return new PdfPage(page, page.Dictionary("Resources") ?? inherited.Resources, toPage);
    }
}
