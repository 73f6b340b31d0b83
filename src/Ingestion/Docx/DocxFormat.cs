using System.Xml;
using System.Xml.Linq;
using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Docx;

/// <summary>
/// DOCX (ECMA-376, WordprocessingML): headings by style or outline level, lists with their numbers, tables as readable
/// rows, notes behind the paragraph that refers to them. Deleted text of tracked changes is left out, and so are
/// page headers and footers. The body is read paragraph by paragraph; it is never in memory as a whole.
/// </summary>
internal sealed class DocxFormat : IFormat
{
    public string MediaType => MediaTypes.Docx;

    public ParsedDocument Parse(FormatInput input)
    {
        using var package = new DocxPackage(input);
        var builder = input.NewBuilder();
        var body = new DocxBody(input, builder, package);
        using (var reader = package.Open(package.Main) ?? throw new ParseException(FailureCodes.Corrupt, $"The DOCX has no main part ('{package.Main}'); it is damaged. Send it again from its source."))
        {
            try
            {
                Read(reader, body, input);
            }
            catch (Exception e) when (e is XmlException or InvalidDataException && !builder.IsEmpty)
            {
                // What stands before the damage is worth having; that something is missing is told.
                builder.Warn($"The document is damaged; what follows the damage was left out: {e.Message}");
            }
        }

        if (builder.IsEmpty)
        {
            throw new ParseException(FailureCodes.NoText, "The document was read and holds no text.");
        }

        var properties = package.Load("docProps/core.xml", builder);
        foreach (var (name, element) in (ReadOnlySpan<(string, string)>)[("author", "creator"), ("subject", "subject"), ("description", "description")])
        {
            if (properties.Child(element)?.Value is { Length: > 0 and <= 1024 } value)
            {
                builder.Metadata[name] = TextCleaner.OneLine(TextCleaner.Clean(value));
            }
        }

        var title = properties.Child("title")?.Value;
        return builder.Build(MediaTypes.Docx, string.IsNullOrWhiteSpace(title) || title.StartsWith("Microsoft Word", StringComparison.Ordinal) ? body.Title : title, input.Name, body.Pages);
    }

    // Body's children one by one; content controls at that level are opened.
    private static void Read(XmlReader reader, DocxBody body, FormatInput input)
    {
        reader.MoveToContent();
        if (!reader.ReadToDescendant("body", reader.NamespaceURI))
        {
            throw new ParseException(FailureCodes.Corrupt, "The DOCX's main part has no body; it is damaged. Send it again from its source.");
        }

        reader.Read();
        while (!reader.EOF)
        {
            input.Cancellation.ThrowIfCancellationRequested();
            if (reader.NodeType == XmlNodeType.Element && reader.LocalName is not ("sdt" or "sdtContent" or "customXml" or "smartTag"))
            {
                body.Write((XElement)XNode.ReadFrom(reader));
            }
            else
            {
                reader.Read();
            }
        }
    }
}
