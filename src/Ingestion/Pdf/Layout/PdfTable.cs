using RagCluster.Ingestion.Parsing;

namespace RagCluster.Ingestion.Pdf.Layout;

/// <summary>Writes consecutive lines of several cells as a table: cells that overlap from line to line are a column.</summary>
internal static class PdfTable
{
    public static void Write(IReadOnlyList<PdfLine> lines, DocumentBuilder into)
    {
        var columns = Columns(lines);
        var grid = lines.Select(l => Place(l, columns)).ToList();
        string[]? header = null;
        // Bold words above others that are not, or words above numbers, are headers.
        var isSetApart = lines[0].IsBold && !lines[1].IsBold;
        var isAboveNumbers = grid.Count >= 3 && !grid[0].Any(HasDigit) && grid.Skip(1).Count(r => r.Any(HasDigit)) > grid.Count / 2;
        if (columns.Count >= 2 && grid.Count >= 2 && grid[0].Count(c => c.Length > 0) >= columns.Count - 1 && (isSetApart || isAboveNumbers))
        {
            header = grid[0];
        }

        TableText.Write(into, header, grid.Skip(header is null ? 0 : 1));
    }

    private static bool HasDigit(string text) => text.Any(char.IsDigit);

    private static List<(double X, double Right)> Columns(IReadOnlyList<PdfLine> lines)
    {
        var columns = new List<(double X, double Right)>();
        foreach (var cell in lines.SelectMany(l => l.Cells).OrderBy(c => c.X))
        {
            if (columns.Count > 0 && cell.X < columns[^1].Right)
            {
                columns[^1] = (columns[^1].X, Math.Max(columns[^1].Right, cell.Right));
            }
            else
            {
                columns.Add((cell.X, cell.Right));
            }
        }

        return columns;
    }

    private static string[] Place(PdfLine line, List<(double X, double Right)> columns)
    {
        var row = new string[columns.Count];
        Array.Fill(row, "");
        foreach (var cell in line.Cells)
        {
            var column = columns.FindIndex(c => cell.X < c.Right + 0.01);
            column = column < 0 ? columns.Count - 1 : column;
            row[column] = row[column].Length > 0 ? row[column] + " " + cell.Text : cell.Text;
        }

        return row;
    }
}
