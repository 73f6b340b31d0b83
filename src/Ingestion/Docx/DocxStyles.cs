using System.Xml.Linq;

namespace RagCluster.Ingestion.Docx;

/// <summary>What paragraph styles say of structure: heading levels and lists, inherited along "basedOn".</summary>
internal sealed class DocxStyles
{
    private const int MaxChain = 32;
    private readonly Dictionary<string, XElement> _styles = [];

    public DocxStyles(XElement? styles)
    {
        foreach (var style in styles?.Children("style") ?? [])
        {
            if (style.Attr("styleId") is { } id)
            {
                _styles.TryAdd(id, style);
            }
        }
    }

    /// <summary>From 1; 0 for text that is no heading. Headings are known by their style's name or by the outline level.</summary>
    public int HeadingLevel(XElement? properties)
    {
        if (DocxXml.Int(properties.Value("outlineLvl")) is { } own)
        {
            return own is >= 0 and < 9 ? own + 1 : 0;
        }

        foreach (var style in Chain(properties))
        {
            if (DocxXml.Int(style.Child("pPr").Value("outlineLvl")) is { } level)
            {
                return level is >= 0 and < 9 ? level + 1 : 0;
            }

            var name = style.Value("name") ?? "";
            if (name.StartsWith("heading ", StringComparison.OrdinalIgnoreCase) && DocxXml.Int(name[8..]) is >= 1 and <= 9 and var number)
            {
                return number;
            }
        }

        // A style that no part defines may still be named for what it is.
        return properties.Value("pStyle") is { } id && id.StartsWith("Heading", StringComparison.OrdinalIgnoreCase) && DocxXml.Int(id[7..]) is >= 1 and <= 9 and var byId ? byId : 0;
    }

    public bool IsTitle(XElement? properties) =>
        string.Equals(properties.Value("pStyle"), "Title", StringComparison.OrdinalIgnoreCase) || Chain(properties).Any(s => string.Equals(s.Value("name"), "Title", StringComparison.OrdinalIgnoreCase));

    public bool IsCode(XElement? properties) =>
        Chain(properties).Any(s => s.Value("name") is { } name && (name.Contains("Code", StringComparison.OrdinalIgnoreCase) || name.Contains("HTML Preformatted", StringComparison.OrdinalIgnoreCase)));

    /// <summary>The list that the paragraph belongs to, by itself or by its style; null where to none.</summary>
    public (string Id, int Level)? List(XElement? properties)
    {
        foreach (var numbering in Chain(properties).Select(s => s.Child("pPr").Child("numPr")).Prepend(properties.Child("numPr")))
        {
            if (numbering.Value("numId") is { } id)
            {
                return id == "0" ? null : (id, Math.Clamp(DocxXml.Int(numbering.Value("ilvl")) ?? 0, 0, 8));
            }
        }

        return null;
    }

    private IEnumerable<XElement> Chain(XElement? properties)
    {
        var id = properties.Value("pStyle");
        for (var i = 0; i < MaxChain && id is not null && _styles.TryGetValue(id, out var style); i++)
        {
            yield return style;
            id = style.Value("basedOn");
        }
    }
}
