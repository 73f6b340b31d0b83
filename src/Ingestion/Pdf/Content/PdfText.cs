using System.Text;

namespace RagCluster.Ingestion.Pdf.Content;

/// <summary>Text strings outside of content streams (ISO 32000-2, 7.9.2.2): UTF-16 or UTF-8 with a mark, else PDFDocEncoding, read as Windows-1252, from which it differs in accents that stand alone.</summary>
internal static class PdfText
{
    public static string Decode(byte[] bytes) => bytes switch
    {
        [0xfe, 0xff, ..] => Encoding.BigEndianUnicode.GetString(bytes, 2, bytes.Length - 2),
        [0xff, 0xfe, ..] => Encoding.Unicode.GetString(bytes, 2, bytes.Length - 2),
        [0xef, 0xbb, 0xbf, ..] => Encoding.UTF8.GetString(bytes, 3, bytes.Length - 3),
        _ => CodePagesEncodingProvider.Instance.GetEncoding(1252)!.GetString(bytes),
    };
}
