using System.Xml.Linq;

namespace RagCluster.Ingestion.Docx;

/// <summary>Access by local names, so that transitional and strict documents, whose namespaces differ, read alike.</summary>
internal static class DocxXml
{
    public static XElement? Child(this XElement? element, string name) => element?.Elements().FirstOrDefault(e => e.Name.LocalName == name);

    public static IEnumerable<XElement> Children(this XElement element, string name) => element.Elements().Where(e => e.Name.LocalName == name);

    public static string? Attr(this XElement? element, string name) => element?.Attributes().FirstOrDefault(a => a.Name.LocalName == name)?.Value;

    /// <summary>The "val" of a child: how most properties are written.</summary>
    public static string? Value(this XElement? element, string child) => element.Child(child).Attr("val");

    public static int? Int(string? text) => int.TryParse(text, System.Globalization.NumberStyles.AllowLeadingSign, System.Globalization.CultureInfo.InvariantCulture, out var value) ? value : null;

    /// <summary>A switch: present and not "0", "false" or "off".</summary>
    public static bool IsOn(this XElement? element, string child) => element.Child(child) is { } found && found.Attr("val") is not ("0" or "false" or "off");
}
