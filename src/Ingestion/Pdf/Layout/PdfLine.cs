namespace RagCluster.Ingestion.Pdf.Layout;

/// <summary>A piece of a line without a wide gap in it.</summary>
internal sealed record Cell(string Text, double X, double Right);

/// <summary>A line of a page: one cell, or several with wide gaps between them.</summary>
/// <param name="Y">Of the baseline, downwards, in points.</param>
/// <param name="Size">The font size that most of its characters have.</param>
internal sealed record PdfLine(IReadOnlyList<Cell> Cells, double Y, double Size, bool IsBold, int Page)
{
    public double X => Cells[0].X;

    public double Right => Cells[^1].Right;

    public string Text { get; } = string.Join(" ", Cells.Select(c => c.Text));
}
