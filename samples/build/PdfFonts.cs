namespace RagCluster.Samples;

/// <summary>One of the fonts that every PDF reader brings along, with its advance widths.</summary>
/// <remarks>Widths are those of Adobe's published metrics of the standard 14 fonts, in thousandths of the font size.</remarks>
internal sealed class PdfFont
{
    private static readonly int[] RegularWidths =
    [
        278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 278, 278, 278,
        556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556,
        1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
        667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
        333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556,
        556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
    ];

    private static readonly int[] BoldWidths =
    [
        278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278,
        556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611,
        975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833, 722, 778,
        667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556,
        333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611,
        611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
    ];

    private readonly int[] _widths;

    private PdfFont(string resource, string baseName, int[] widths) => (Resource, BaseName, _widths) = (resource, baseName, widths);

    public static PdfFont Regular { get; } = new("F1", "Helvetica", RegularWidths);
    public static PdfFont Bold { get; } = new("F2", "Helvetica-Bold", BoldWidths);
    public static PdfFont Italic { get; } = new("F3", "Helvetica-Oblique", RegularWidths);
    public static IReadOnlyList<PdfFont> All { get; } = [Regular, Bold, Italic];

    public string Resource { get; }
    public string BaseName { get; }

    public double Width(string text, double size) => text.Sum(Advance) * size / 1000;

    /// <summary>A PDF string in WinAnsi encoding, with the escapes that a literal string needs.</summary>
    public static string Encode(string text) => string.Concat(text.Select(c => c switch
    {
        '(' => "\\(",
        ')' => "\\)",
        '\\' => "\\\\",
        '\u2022' => "\u0095",
        _ => c.ToString(),
    }));

    private int Advance(char c) => c switch
    {
        >= ' ' and <= '~' => _widths[c - ' '],
        '\u2022' => 350,
        '\u00bd' => 834,
        _ => throw new NotSupportedException($"The character U+{(int)c:X4} has no known width; use plain letters in sources of PDF documents."),
    };
}
