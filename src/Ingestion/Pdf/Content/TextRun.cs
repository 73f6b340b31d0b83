namespace RagCluster.Ingestion.Pdf.Content;

/// <summary>
/// Text as a page shows it in one go, turned so that it runs from left to right: <see cref="X"/> grows along the line,
/// <see cref="Y"/> downwards from line to line, both in points.
/// </summary>
/// <param name="Angle">The direction of writing on the page in degrees, 0 for upright text.</param>
/// <param name="Size">The effective font size, in points.</param>
internal readonly record struct TextRun(string Text, double X, double Y, double Width, double Size, int Angle, bool IsBold)
{
    public double Right => X + Width;
}
