using AngleSharp.Dom;

namespace RagCluster.Ingestion.Parsing.Html;

/// <summary>Reads a table's cells; spans repeat their cell, so that every row is complete.</summary>
internal static class HtmlTable
{
    private const int MaxSpan = 64;

    /// <summary>The cells of each row of this table, not of tables nested in it.</summary>
    public static List<List<IElement>> Rows(IElement table) =>
        [.. table.Children.SelectMany(c => c.LocalName is "thead" or "tbody" or "tfoot" ? c.Children.Where(r => r.LocalName == "tr") : c.LocalName == "tr" ? [c] : [])
            .Select(r => r.Children.Where(c => c.LocalName is "td" or "th").ToList())
            .Where(r => r.Count > 0)];

    /// <summary>Whether the table only places things on the page: one cell or column, tables or headings inside, or long texts.</summary>
    public static bool IsLayout(IElement table, List<List<IElement>> rows)
    {
        if (rows.Count == 0 || rows.Max(r => r.Count) == 1)
        {
            return true;
        }

        if (table.GetAttribute("role") is "presentation" or "none")
        {
            return true;
        }

        if (table.QuerySelector("th, caption, thead") is not null)
        {
            return false;
        }

        return table.QuerySelector("table, h1, h2, h3, h4, p + p") is not null || rows.Count == 1 && rows[0].Any(c => c.TextContent.Length > 400);
    }

    public static (List<string>? Header, List<List<string>> Body) Read(List<List<IElement>> rows)
    {
        var grid = Grid(rows);
        var header = 0;
        while (header < rows.Count - 1 && rows[header].All(c => c.LocalName == "th") || header < rows.Count - 1 && rows[header][0].ParentElement?.ParentElement?.LocalName == "thead")
        {
            header++;
        }

        if (header == 0 && rows.Count >= 3 && rows[0].Count >= 2 && LooksLikeHeader(rows, grid))
        {
            header = 1;
        }

        if (header == 0)
        {
            return (null, grid);
        }

        var names = new List<string>();
        for (var column = 0; column < grid.Take(header).Max(r => r.Count); column++)
        {
            names.Add(string.Join(" ", grid.Take(header).Select(r => column < r.Count ? r[column] : "").Where(n => n.Length > 0).Distinct()));
        }

        return (names, grid.GetRange(header, grid.Count - header));
    }

    // Bold short words above cells of which some are numbers.
    private static bool LooksLikeHeader(List<List<IElement>> rows, List<List<string>> grid) =>
        grid[0].All(c => c.Length <= 60 && !c.Any(char.IsDigit)) && grid[0].Count(c => c.Length > 0) >= grid[0].Count - 1
        && (rows[0].All(c => c.QuerySelector("b, strong") is not null || c.TextContent.AsSpan().IsWhiteSpace()) || grid.Skip(1).All(r => r.Skip(1).Any(c => c.Any(char.IsDigit))));

    private static List<List<string>> Grid(List<List<IElement>> rows)
    {
        var grid = new List<List<string>>();
        var pending = new Dictionary<int, (int Rows, string Text)>();
        foreach (var row in rows)
        {
            var cells = new List<string>();
            foreach (var cell in row)
            {
                Carry(cells, pending);
                var text = TextCleaner.OneLine(string.Join(" ", cell.GetDescendants().OfType<IText>().Select(t => t.Data)));
                var columns = Span(cell, "colspan");
                var rowSpan = Span(cell, "rowspan");
                for (var i = 0; i < columns && cells.Count < 1024; i++)
                {
                    if (rowSpan > 1)
                    {
                        pending[cells.Count] = (rowSpan - 1, i == 0 ? text : "");
                    }

                    cells.Add(i == 0 ? text : "");
                }
            }

            Carry(cells, pending);
            grid.Add(cells);
        }

        return grid;
    }

    private static void Carry(List<string> cells, Dictionary<int, (int Rows, string Text)> pending)
    {
        while (pending.Remove(cells.Count, out var above))
        {
            if (above.Rows > 1)
            {
                pending[cells.Count] = (above.Rows - 1, above.Text);
            }

            cells.Add(above.Text);
        }
    }

    private static int Span(IElement cell, string attribute) =>
        int.TryParse(cell.GetAttribute(attribute), out var span) ? Math.Clamp(span, 1, MaxSpan) : 1;
}
