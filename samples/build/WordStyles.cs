using System.Globalization;
using System.Xml.Linq;

namespace RagCluster.Samples;

/// <summary>The styles and list definitions of the generated Word documents.</summary>
internal static class WordStyles
{
    private static readonly XNamespace W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main";
    private static readonly string[] TableEdges = ["top", "left", "bottom", "right", "insideH", "insideV"];
    private const string Navy = "12364F";

    public static XElement Styles() => new(W + "styles", new XAttribute(XNamespace.Xmlns + "w", W),
        new XElement(W + "docDefaults", new XElement(W + "rPrDefault", Text("Calibri", 21, null, false)),
            new XElement(W + "pPrDefault", new XElement(W + "pPr", Spacing(0, 120)))),
        Style("Normal", "Normal", null, Spacing(0, 120), null, isDefault: true),
        Style("Title", "Title", "Normal", Spacing(0, 60), Text("Calibri", 48, Navy, true)),
        Style("Subtitle", "Subtitle", "Normal", Spacing(0, 360), Text("Calibri", 24, "5A6B78", false)),
        Style("Heading1", "heading 1", "Normal", Spacing(320, 100, level: 0), Text("Calibri", 30, Navy, true)),
        Style("Heading2", "heading 2", "Normal", Spacing(240, 80, level: 1), Text("Calibri", 25, Navy, true)),
        Style("ListBullet", "List Bullet", "Normal", Spacing(0, 60), null),
        Style("ListNumber", "List Number", "Normal", Spacing(0, 60), null),
        Style("TableText", "Table Text", "Normal", Spacing(40, 40), Text("Calibri", 19, null, false)),
        Style("TableHead", "Table Head", "TableText", Spacing(40, 40), Text("Calibri", 19, "FFFFFF", true)),
        Style("Footer", "footer", "Normal", Spacing(0, 0), Text("Calibri", 16, "5A6B78", false)),
        new XElement(W + "style", new XAttribute(W + "type", "table"), new XAttribute(W + "styleId", "BrindlemereTable"),
            new XElement(W + "name", new XAttribute(W + "val", "Brindlemere Table")),
            new XElement(W + "tblPr", new XElement(W + "tblBorders", TableEdges.Select(edge => new XElement(W + edge,
                new XAttribute(W + "val", "single"), new XAttribute(W + "sz", 4), new XAttribute(W + "space", 0), new XAttribute(W + "color", "B8C4CC")))))));

    /// <summary>List 1 has bullets; lists 2 and up are numbered, one for each numbered list of the document, so that each starts at 1.</summary>
    public static XElement Numbering(int numberedLists) => new(W + "numbering", new XAttribute(XNamespace.Xmlns + "w", W),
        Abstract(0, "bullet", "\u2022"), Abstract(1, "decimal", "%1."),
        new XElement(W + "num", new XAttribute(W + "numId", 1), Value("abstractNumId", "0")),
        Enumerable.Range(2, numberedLists).Select(id => new XElement(W + "num", new XAttribute(W + "numId", id), Value("abstractNumId", "1"),
            new XElement(W + "lvlOverride", new XAttribute(W + "ilvl", 0), Value("startOverride", "1")))));

    private static XElement Abstract(int id, string format, string text) => new(W + "abstractNum", new XAttribute(W + "abstractNumId", id),
        Value("multiLevelType", "singleLevel"),
        new XElement(W + "lvl", new XAttribute(W + "ilvl", 0), Value("start", "1"), Value("numFmt", format), Value("lvlText", text), Value("lvlJc", "left"),
            new XElement(W + "pPr", new XElement(W + "ind", new XAttribute(W + "left", 480), new XAttribute(W + "hanging", 300)))));

    private static XElement Style(string id, string name, string? basedOn, XElement[] paragraph, XElement? text, bool isDefault = false) => new(W + "style",
        new XAttribute(W + "type", "paragraph"), isDefault ? new XAttribute(W + "default", 1) : null, new XAttribute(W + "styleId", id),
        Value("name", name), basedOn is null ? null : Value("basedOn", basedOn), new XElement(W + "pPr", paragraph), text);

    private static XElement[] Spacing(int before, int after, int? level = null) =>
    [
        .. level is null ? Array.Empty<XElement>() : [new XElement(W + "keepNext")],
        new XElement(W + "spacing", new XAttribute(W + "before", before), new XAttribute(W + "after", after)),
        .. level is null ? Array.Empty<XElement>() : [Value("outlineLvl", level.Value.ToString(CultureInfo.InvariantCulture))],
    ];

    private static XElement Text(string font, int halfPoints, string? color, bool bold) => new(W + "rPr",
        new XElement(W + "rFonts", new XAttribute(W + "ascii", font), new XAttribute(W + "hAnsi", font), new XAttribute(W + "cs", font)),
        bold ? new XElement(W + "b") : null, color is null ? null : Value("color", color),
        new XElement(W + "sz", new XAttribute(W + "val", halfPoints)));

    private static XElement Value(string name, string value) => new(W + name, new XAttribute(W + "val", value));
}
