namespace RagCluster.Ingestion.Parsing;

/// <summary>What one document may cost. At a limit parsing stops with a reason.</summary>
public sealed record ParserLimits
{
    /// <summary>The size of the document, in bytes.</summary>
    public long InputBytes { get; init; } = 64L << 20;

    /// <summary>The size of the extracted text, in UTF-16 code units.</summary>
    public int OutputCharacters { get; init; } = 32 << 20;

    /// <summary>How many structural pieces (paragraphs, rows, list items) a document may have.</summary>
    public int Blocks { get; init; } = 2_000_000;

    /// <summary>How deep JSON, HTML, XML and PDF objects may nest.</summary>
    public int NestingDepth { get; init; } = 256;

    /// <summary>How many files a zip container (DOCX) may hold.</summary>
    public int ZipEntries { get; init; } = 4_096;

    /// <summary>What a zip container may unpack to, in bytes, all entries together.</summary>
    public long ZipBytes { get; init; } = 256L << 20;

    /// <summary>How many times larger than packed one entry may be, once it is larger than 1 MiB.</summary>
    public int ZipRatio { get; init; } = 200;

    /// <summary>What the compressed streams of a PDF may unpack to, in bytes, all together.</summary>
    public long PdfStreamBytes { get; init; } = 256L << 20;

    /// <summary>How many pages of a PDF are read.</summary>
    public int Pages { get; init; } = 10_000;

    /// <summary>How long parsing may take.</summary>
    public TimeSpan Time { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How much memory a worker process may use, in bytes; enforced by <see cref="Isolation.IsolatedParser"/> only.</summary>
    public long MemoryBytes { get; init; } = 768L << 20;
}
