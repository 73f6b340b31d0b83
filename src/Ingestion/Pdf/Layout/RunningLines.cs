using System.Text.RegularExpressions;

namespace RagCluster.Ingestion.Pdf.Layout;

/// <summary>Finds what stands at the head or foot of page after page (a title, a page number): it cuts sentences in two and says nothing of its own.</summary>
internal static partial class RunningLines
{
    private const int EdgeLines = 3;

    /// <summary>The pages without their running heads and feet.</summary>
    public static List<List<PdfLine>> Remove(List<List<PdfLine>> pages)
    {
        if (pages.Count < 3)
        {
            return pages;
        }

        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var page in pages)
        {
            foreach (var key in Edges(page).Select(Key).Distinct())
            {
                counts[key] = counts.GetValueOrDefault(key) + 1;
            }
        }

        var often = Math.Max(3, pages.Count * 2 / 5);
        return [.. pages.Select(page =>
        {
            var running = Edges(page).Where(l => counts[Key(l)] >= often).ToHashSet();
            return running.Count == page.Count ? page : page.Where(l => !running.Contains(l)).ToList();
        })];
    }

    private static IEnumerable<PdfLine> Edges(List<PdfLine> page)
    {
        var sorted = page.OrderBy(l => l.Y).ToList();
        return sorted.Take(EdgeLines).Concat(sorted.TakeLast(EdgeLines)).Distinct();
    }

    private static string Key(PdfLine line) => Digits().Replace(line.Text, "#");

    [GeneratedRegex(@"\d+|\b[ivxlc]+\b")]
    private static partial Regex Digits();
}
