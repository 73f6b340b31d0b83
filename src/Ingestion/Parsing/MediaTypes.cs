namespace RagCluster.Ingestion.Parsing;

/// <summary>The formats that are read.</summary>
public static class MediaTypes
{
    public const string PlainText = "text/plain";
    public const string Markdown = "text/markdown";
    public const string Html = "text/html";
    public const string Csv = "text/csv";
    public const string Json = "application/json";
    public const string JsonLines = "application/jsonl";
    public const string Pdf = "application/pdf";
    public const string Docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";

    /// <summary>File name extensions, lower case with the dot, that sources take by default.</summary>
    public static IReadOnlySet<string> Extensions { get; } = new HashSet<string>(StringComparer.OrdinalIgnoreCase)
    {
        ".txt", ".text", ".log", ".rst", ".md", ".markdown", ".html", ".htm", ".xhtml", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".pdf", ".docx",
    };

    /// <summary>The format that a file name or a declared media type suggests; null where they say nothing.</summary>
    internal static string? Hint(string name, string? declared)
    {
        var byName = Path.GetExtension(name).ToLowerInvariant() switch
        {
            ".md" or ".markdown" or ".mdown" => Markdown,
            ".html" or ".htm" or ".xhtml" => Html,
            ".csv" or ".tsv" => Csv,
            ".json" => Json,
            ".jsonl" or ".ndjson" => JsonLines,
            ".pdf" => Pdf,
            ".docx" => Docx,
            ".txt" or ".text" or ".log" or ".rst" => PlainText,
            _ => null,
        };
        if (byName is not null || declared is null)
        {
            return byName;
        }

        return declared.Split(';')[0].Trim().ToLowerInvariant() switch
        {
            "text/markdown" or "text/x-markdown" => Markdown,
            "text/html" or "application/xhtml+xml" => Html,
            "text/csv" or "application/csv" or "text/tab-separated-values" => Csv,
            "application/json" or "text/json" => Json,
            "application/jsonl" or "application/x-ndjson" or "application/jsonlines" or "application/x-jsonlines" => JsonLines,
            Pdf => Pdf,
            Docx => Docx,
            "text/plain" => PlainText,
            _ => null,
        };
    }
}
