using System.Globalization;
using System.Text.RegularExpressions;

namespace RagCluster.Ingestion.Pdf.Layout;

/// <summary>
/// Finds what stands at the head or foot of page after page (a title, a page number): it cuts sentences in two and says
/// nothing of its own. Lines are the same if their texts are, or are but for one number that counts with the pages;
/// rows of a long table, whose numbers go their own ways, are never taken for one.
/// </summary>
internal static partial class RunningLines
{
    private const int EdgeLines = 3;
    private const int MaxNumbers = 6;

    /// <summary>The pages without their running heads and feet.</summary>
    public static List<List<PdfLine>> Remove(List<List<PdfLine>> pages)
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var key in pages.SelectMany(p => Edges(p).SelectMany(Keys).Distinct()))
        {
            counts[key] = counts.GetValueOrDefault(key) + 1;
        }

        // Two pages are too few to call a repeated line a running one.
        var often = Math.Max(3, pages.Count * 2 / 5);
        return [.. pages.Select(page =>
        {
            var running = Edges(page).Where(l => IsPageOf(l, pages.Count) || Keys(l).Any(k => counts[k] >= often)).ToHashSet();
            return running.Count == page.Count ? page : page.Where(l => !running.Contains(l)).ToList();
        })];
    }

    /// <summary>"Page 1 of 2" with the right number of pages: alone, or at the end of a line.</summary>
    private static bool IsPageOf(PdfLine line, int pages) =>
        PageOf().Match(line.Text) is { Success: true } match && match.Groups[1].Value + match.Groups[2].Value == pages.ToString(CultureInfo.InvariantCulture);

    private static IEnumerable<PdfLine> Edges(List<PdfLine> page)
    {
        var sorted = page.OrderBy(l => l.Y).ToList();
        return sorted.Take(EdgeLines).Concat(sorted.TakeLast(EdgeLines)).Distinct();
    }

    /// <summary>The text, and the text with each of its numbers in turn as its distance from the page's number.</summary>
    private static IEnumerable<string> Keys(PdfLine line)
    {
        // The title on the first page is the running head of the others, in larger letters.
        var size = (int)Math.Round(line.Size * 2);
        yield return string.Create(CultureInfo.InvariantCulture, $"{size}\0{line.Text}");
        foreach (var number in Numbers().Matches(line.Text).Take(MaxNumbers))
        {
            var distance = int.Parse(number.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture) - line.Page;
            yield return string.Create(CultureInfo.InvariantCulture, $"{size}\0{line.Text.AsSpan(0, number.Index)}\0{distance}{line.Text.AsSpan(number.Index + number.Length)}");
        }
    }

    [GeneratedRegex(@"^\W*(?:Page|Seite)?\s*\d+\s*(?:of|von|/)\s*(\d+)\W*$|\b(?:Page|Seite)\s+\d+\s*(?:of|von|/)\s*(\d+)\W*$", RegexOptions.IgnoreCase)]
    private static partial Regex PageOf();

    [GeneratedRegex(@"(?<![\d.,])\d{1,4}(?![\d.,]*\d)")]
    private static partial Regex Numbers();
}
