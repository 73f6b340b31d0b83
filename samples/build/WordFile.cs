using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Xml.Linq;

namespace RagCluster.Samples;

/// <summary>Writes a WordprocessingML package: headings by style, real lists, tables with a header row, a footer with page numbers.</summary>
/// <remarks>ECMA-376 part 1 (WordprocessingML) and part 2 (packages). Written part by part, because libraries put random ids and the time of day into a file.</remarks>
internal static class WordFile
{
    private static readonly XNamespace W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
    private static readonly XNamespace R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    private static readonly DateTimeOffset EntryTime = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private const string Relations = "http://schemas.openxmlformats.org/package/2006/relationships";
    private const string Office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    private const string PartType = "application/vnd.openxmlformats-officedocument.wordprocessingml";

    public static byte[] Render(SourceDocument source)
    {
        using var file = new MemoryStream();
        using (var zip = new ZipArchive(file, ZipArchiveMode.Create, leaveOpen: true))
        {
            Part(zip, "[Content_Types].xml", ContentTypes());
            Part(zip, "_rels/.rels", Relationships(("rId1", Office + "/officeDocument", "word/document.xml"),
                ("rId2", "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties", "docProps/core.xml")));
            Part(zip, "docProps/core.xml", CoreProperties(source));
            Part(zip, "word/document.xml", Document(source));
            Part(zip, "word/_rels/document.xml.rels", Relationships(("rId1", Office + "/styles", "styles.xml"),
                ("rId2", Office + "/numbering", "numbering.xml"), ("rId3", Office + "/footer", "footer1.xml")));
            Part(zip, "word/styles.xml", WordStyles.Styles());
            Part(zip, "word/numbering.xml", WordStyles.Numbering(source.Blocks.OfType<ListBlock>().Count(list => list.Numbered)));
            Part(zip, "word/footer1.xml", Footer(source));
        }

        return file.ToArray();
    }

    private static XElement Document(SourceDocument source)
    {
        var numberedLists = 0;
        var body = new XElement(W + "body", Styled("Title", source.Title), Styled("Subtitle", source.Subtitle));
        foreach (var block in source.Blocks)
        {
            body.Add(block switch
            {
                Heading heading => [Styled($"Heading{heading.Level}", heading.Text)],
                Paragraph paragraph => [Styled("Normal", paragraph.Text)],
                ListBlock list => List(list, list.Numbered ? 2 + numberedLists++ : 1),
                Table table => [Table(table), new XElement(W + "p")],
                _ => throw new NotSupportedException($"{block.GetType().Name} cannot be written to a Word document."),
            });
        }

        body.Add(new XElement(W + "sectPr",
            new XElement(W + "footerReference", new XAttribute(W + "type", "default"), new XAttribute(R + "id", "rId3")),
            new XElement(W + "pgSz", new XAttribute(W + "w", 12240), new XAttribute(W + "h", 15840)),
            new XElement(W + "pgMar", new XAttribute(W + "top", 1300), new XAttribute(W + "right", 1300), new XAttribute(W + "bottom", 1300),
                new XAttribute(W + "left", 1300), new XAttribute(W + "header", 700), new XAttribute(W + "footer", 700), new XAttribute(W + "gutter", 0))));
        return new XElement(W + "document", new XAttribute(XNamespace.Xmlns + "w", W), new XAttribute(XNamespace.Xmlns + "r", R), body);
    }

    private static XElement Styled(string style, string text) =>
        new(W + "p", new XElement(W + "pPr", Value("pStyle", style)), SourceDocument.Runs(text).Select(TextRun));

    private static XElement[] List(ListBlock list, int number) => [.. list.Items.Select(item => new XElement(W + "p",
        new XElement(W + "pPr", Value("pStyle", list.Numbered ? "ListNumber" : "ListBullet"),
            new XElement(W + "numPr", Value("ilvl", "0"), Value("numId", number.ToString(CultureInfo.InvariantCulture)))),
        SourceDocument.Runs(item).Select(TextRun)))];

    private static XElement Table(Table table) => new(W + "tbl",
        new XElement(W + "tblPr", Value("tblStyle", "BrindlemereTable"),
            new XElement(W + "tblW", new XAttribute(W + "w", 5000), new XAttribute(W + "type", "pct"))),
        new XElement(W + "tblGrid", table.Rows[0].Select(_ => new XElement(W + "gridCol", new XAttribute(W + "w", 9600 / table.Rows[0].Count)))),
        table.Rows.Select((row, index) => new XElement(W + "tr",
            index == 0 ? new XElement(W + "trPr", new XElement(W + "tblHeader")) : null,
            row.Select(cell => new XElement(W + "tc",
                new XElement(W + "tcPr", new XElement(W + "tcW", new XAttribute(W + "w", 9600 / row.Count), new XAttribute(W + "type", "dxa")),
                    index == 0 ? new XElement(W + "shd", new XAttribute(W + "val", "clear"), new XAttribute(W + "color", "auto"), new XAttribute(W + "fill", "12364F")) : null),
                new XElement(W + "p", new XElement(W + "pPr", Value("pStyle", index == 0 ? "TableHead" : "TableText")), SourceDocument.Runs(cell).Select(TextRun)))))));

    private static XElement TextRun(Run run) => new(W + "r",
        run.Bold || run.Italic ? new XElement(W + "rPr", run.Bold ? new XElement(W + "b") : null, run.Italic ? new XElement(W + "i") : null) : null,
        new XElement(W + "t", new XAttribute(XNamespace.Xml + "space", "preserve"), run.Text));

    private static XElement Footer(SourceDocument source) => new(W + "ftr", new XAttribute(XNamespace.Xmlns + "w", W),
        new XElement(W + "p", new XElement(W + "pPr", Value("pStyle", "Footer")),
            TextRun(new Run($"Brindlemere Life Insurance Company, {source.Form}, page ", false, false)),
            new XElement(W + "fldSimple", new XAttribute(W + "instr", " PAGE "), TextRun(new Run("1", false, false)))));

    private static XElement Value(string name, string value) => new(W + name, new XAttribute(W + "val", value));

    private static XElement CoreProperties(SourceDocument source)
    {
        XNamespace core = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties";
        XNamespace dc = "http://purl.org/dc/elements/1.1/";
        return new XElement(core + "coreProperties", new XAttribute(XNamespace.Xmlns + "cp", core), new XAttribute(XNamespace.Xmlns + "dc", dc),
            new XElement(dc + "title", source.Title), new XElement(dc + "subject", source.Subtitle), new XElement(dc + "creator", "Brindlemere Life Insurance Company"));
    }

    private static XElement ContentTypes()
    {
        XNamespace types = "http://schemas.openxmlformats.org/package/2006/content-types";
        XElement Override(string part, string type) => new(types + "Override", new XAttribute("PartName", part), new XAttribute("ContentType", type));
        return new XElement(types + "Types",
            new XElement(types + "Default", new XAttribute("Extension", "rels"), new XAttribute("ContentType", "application/vnd.openxmlformats-package.relationships+xml")),
            new XElement(types + "Default", new XAttribute("Extension", "xml"), new XAttribute("ContentType", "application/xml")),
            Override("/word/document.xml", PartType + ".document.main+xml"), Override("/word/styles.xml", PartType + ".styles+xml"),
            Override("/word/numbering.xml", PartType + ".numbering+xml"), Override("/word/footer1.xml", PartType + ".footer+xml"),
            Override("/docProps/core.xml", "application/vnd.openxmlformats-package.core-properties+xml"));
    }

    private static XElement Relationships(params (string Id, string Type, string Target)[] relations)
    {
        XNamespace ns = Relations;
        return new XElement(ns + "Relationships", relations.Select(relation => new XElement(ns + "Relationship",
            new XAttribute("Id", relation.Id), new XAttribute("Type", relation.Type), new XAttribute("Target", relation.Target))));
    }

    private static void Part(ZipArchive zip, string name, XElement root)
    {
        var entry = zip.CreateEntry(name, CompressionLevel.Optimal);
        entry.LastWriteTime = EntryTime;
        using var stream = entry.Open();
        stream.Write(Encoding.UTF8.GetBytes("<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n" + root.ToString(SaveOptions.DisableFormatting)));
    }
}
