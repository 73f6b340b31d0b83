using RagCluster.Ingestion.Pdf.Fonts;

namespace RagCluster.Ingestion.Pdf.Content;

/// <summary>What text operators work with (ISO 32000-1, 8.4 and 9.3).</summary>
internal sealed class GraphicsState
{
    public Matrix Page { get; set; } = Matrix.Identity;

    public PdfFont? Font { get; set; }

    public double FontSize { get; set; } = 1;

    public double CharacterSpacing { get; set; }

    public double WordSpacing { get; set; }

    public double Scale { get; set; } = 1;

    public double Leading { get; set; }

    public double Rise { get; set; }

    public GraphicsState Copy() => (GraphicsState)MemberwiseClone();
}
