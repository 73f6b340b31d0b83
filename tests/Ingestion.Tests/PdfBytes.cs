using System.Globalization;
using System.Text;

namespace RagCluster.Ingestion.Tests;

/// <summary>Writes small PDF files.</summary>
internal static class PdfBytes
{
    /// <summary>One page for each text, in Helvetica; "\n" begins a new line.</summary>
    public static byte[] Of(params string[] pages) => OfContents([.. pages.Select(p =>
        "BT /F1 12 Tf 14 TL 72 720 Td " + string.Concat(p.Split('\n').Select(l => $"({l.Replace("(", "\\(", StringComparison.Ordinal).Replace(")", "\\)", StringComparison.Ordinal)}) Tj T* ")) + "ET")]);

    /// <summary>One page for each content stream; fonts F1 (Helvetica) and F2 (Helvetica-Bold).</summary>
    public static byte[] OfContents(params string[] contents)
    {
        var objects = new List<string>
        {
            "<< /Type /Catalog /Pages 2 0 R >>",
            $"<< /Type /Pages /Count {contents.Length} /Kids [{string.Join(' ', Enumerable.Range(0, contents.Length).Select(i => $"{5 + 2 * i} 0 R"))}] /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>",
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
            "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>",
        };
        for (var i = 0; i < contents.Length; i++)
        {
            objects.Add($"<< /Type /Page /Parent 2 0 R /Contents {6 + 2 * i} 0 R >>");
            objects.Add($"<< /Length {contents[i].Length} >>\nstream\n{contents[i]}\nendstream");
        }

        return OfObjects(objects, "/Root 1 0 R");
    }

    /// <summary>Objects numbered from 1, with their cross-reference table.</summary>
    public static byte[] OfObjects(IReadOnlyList<string> objects, string trailer)
    {
        var pdf = new StringBuilder("%PDF-1.7\n");
        var offsets = new List<int>();
        for (var i = 0; i < objects.Count; i++)
        {
            offsets.Add(pdf.Length);
            pdf.Append(CultureInfo.InvariantCulture, $"{i + 1} 0 obj\n{objects[i]}\nendobj\n");
        }

        var xref = pdf.Length;
        pdf.Append(CultureInfo.InvariantCulture, $"xref\n0 {objects.Count + 1}\n0000000000 65535 f \n");
        offsets.ForEach(o => pdf.Append(CultureInfo.InvariantCulture, $"{o:0000000000} 00000 n \n"));
        pdf.Append(CultureInfo.InvariantCulture, $"trailer\n<< /Size {objects.Count + 1} {trailer} >>\nstartxref\n{xref}\n%%EOF\n");
        return Encoding.Latin1.GetBytes(pdf.ToString());
    }
}
