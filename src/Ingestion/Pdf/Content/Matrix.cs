namespace RagCluster.Ingestion.Pdf.Content;

/// <summary>An affine map as PDF writes it: [a b c d e f], applied to row vectors (ISO 32000-1, 8.3.3).</summary>
internal readonly record struct Matrix(double A, double B, double C, double D, double E, double F)
{
    public static Matrix Identity { get; } = new(1, 0, 0, 1, 0, 0);

    public static Matrix Of(double[]? n) => n is { Length: >= 6 } ? new Matrix(n[0], n[1], n[2], n[3], n[4], n[5]) : Identity;

    /// <summary>First this, then <paramref name="next"/>.</summary>
    public Matrix Then(Matrix next) => new(
        A * next.A + B * next.C, A * next.B + B * next.D,
        C * next.A + D * next.C, C * next.B + D * next.D,
        E * next.A + F * next.C + next.E, E * next.B + F * next.D + next.F);

    public (double X, double Y) Apply(double x, double y) => (x * A + y * C + E, x * B + y * D + F);
}
