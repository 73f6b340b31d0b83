using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace RagCluster.Samples;

/// <summary>A page's drawing operators, and the headings on it with their height on the page (points from the bottom).</summary>
internal sealed record PdfPage(string Operators, IReadOnlyList<(string Title, double Y)> Headings);

/// <summary>Writes a PDF 1.4 file: page tree, compressed page contents, standard fonts, document information, bookmarks.</summary>
/// <remarks>ISO 32000-1, 7.5 (file structure), 7.7.3 (page tree), 9.6.2.2 (standard fonts), 12.3.3 (outlines).</remarks>
internal static class PdfFile
{
    public const double PageWidth = 612;
    public const double PageHeight = 792;

    public static byte[] Write(SourceDocument source, IReadOnlyList<PdfPage> pages)
    {
        var objects = new List<byte[]>();
        int Reserve()
        {
            objects.Add([]);
            return objects.Count;
        }

        void Set(int number, string body) => objects[number - 1] = Latin(body);
        int Add(string body)
        {
            var number = Reserve();
            Set(number, body);
            return number;
        }

        var (catalog, tree, outlines) = (Reserve(), Reserve(), Reserve());
        var fonts = string.Join(' ', PdfFont.All.Select(font =>
            $"/{font.Resource} {Add($"<< /Type /Font /Subtype /Type1 /BaseFont /{font.BaseName} /Encoding /WinAnsiEncoding >>")} 0 R"));

        var pageNumbers = new List<int>();
        var bookmarks = new List<(string Title, int Page, double Y)>();
        foreach (var page in pages)
        {
            var contents = Reserve();
            objects[contents - 1] = Stream(page.Operators);
            var number = Add($"<< /Type /Page /Parent {tree} 0 R /MediaBox [0 0 {N(PageWidth)} {N(PageHeight)}] "
                + $"/Resources << /Font << {fonts} >> >> /Contents {contents} 0 R >>");
            pageNumbers.Add(number);
            bookmarks.AddRange(page.Headings.Select(heading => (heading.Title, number, heading.Y)));
        }

        var first = objects.Count + 1;
        for (var i = 0; i < bookmarks.Count; i++)
        {
            var (title, page, y) = bookmarks[i];
            var links = (i > 0 ? $" /Prev {first + i - 1} 0 R" : "") + (i < bookmarks.Count - 1 ? $" /Next {first + i + 1} 0 R" : "");
            Add($"<< /Title ({PdfFont.Encode(title)}) /Parent {outlines} 0 R{links} /Dest [{page} 0 R /XYZ 0 {N(y)} null] >>");
        }

        Set(catalog, $"<< /Type /Catalog /Pages {tree} 0 R /Outlines {outlines} 0 R /Lang (en-US) /ViewerPreferences << /DisplayDocTitle true >> >>");
        Set(tree, $"<< /Type /Pages /Count {pages.Count} /Kids [{string.Join(' ', pageNumbers.Select(number => $"{number} 0 R"))}] >>");
        Set(outlines, $"<< /Type /Outlines /First {first} 0 R /Last {first + bookmarks.Count - 1} 0 R /Count {bookmarks.Count} >>");
        var info = Add($"<< /Title ({PdfFont.Encode(source.Title)}) /Subject ({PdfFont.Encode(source.Subtitle)}) /Author (Brindlemere Life Insurance Company) >>");
        return Assemble(objects, catalog, info);
    }

    public static string N(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private static byte[] Assemble(List<byte[]> objects, int catalog, int info)
    {
        using var file = new MemoryStream();
        void Put(string text) => file.Write(Latin(text));
        Put("%PDF-1.4\n%\u00e2\u00e3\u00cf\u00d3\n");
        var offsets = new List<long>();
        foreach (var body in objects)
        {
            offsets.Add(file.Position);
            Put($"{offsets.Count} 0 obj\n");
            file.Write(body);
            Put("\nendobj\n");
        }

        var table = file.Position;
        Put($"xref\n0 {objects.Count + 1}\n0000000000 65535 f \n");
        foreach (var offset in offsets)
        {
            Put(string.Create(CultureInfo.InvariantCulture, $"{offset:D10} 00000 n \n"));
        }

        Put($"trailer\n<< /Size {objects.Count + 1} /Root {catalog} 0 R /Info {info} 0 R >>\nstartxref\n{table}\n%%EOF\n");
        return file.ToArray();
    }

    private static byte[] Stream(string operators)
    {
        using var packed = new MemoryStream();
        using (var zlib = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
        {
            zlib.Write(Latin(operators));
        }

        return [.. Latin($"<< /Length {packed.Length} /Filter /FlateDecode >>\nstream\n"), .. packed.ToArray(), .. Latin("\nendstream")];
    }

    private static byte[] Latin(string text) => Encoding.Latin1.GetBytes(text);
}
