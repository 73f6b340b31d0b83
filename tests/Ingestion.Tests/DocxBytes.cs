using System.IO.Compression;
using System.Text;

namespace RagCluster.Ingestion.Tests;

/// <summary>Writes small DOCX files.</summary>
internal static class DocxBytes
{
    private const string Namespace = "xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"";

    public static byte[] Of(string body, params (string Path, string Xml)[] parts) =>
        Zip([("[Content_Types].xml", "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\"/>"), ("word/document.xml", $"<w:document {Namespace}><w:body>{body}</w:body></w:document>"),
            .. parts.Select(p => (p.Path, p.Xml.Replace("<w:root>", $"<w:root {Namespace}>", StringComparison.Ordinal)))]);

    public static byte[] Zip(params (string Path, string Text)[] entries)
    {
        using var bytes = new MemoryStream();
        using (var archive = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            foreach (var (path, text) in entries)
            {
                using var entry = archive.CreateEntry(path).Open();
                entry.Write(Encoding.UTF8.GetBytes(text));
            }
        }

        return bytes.ToArray();
    }

    public static string Paragraph(string text, string properties = "") => $"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>";
}
