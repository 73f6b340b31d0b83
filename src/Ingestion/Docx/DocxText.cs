using System.Globalization;
using System.Text;
using System.Xml.Linq;
using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Docx;

/// <summary>The text of one paragraph, with what hangs on it: notes, text boxes, page breaks.</summary>
internal sealed class DocxText(int maxDepth)
{
    private readonly StringBuilder _text = new();

    /// <summary>The ids of the notes referred to, in order: footnotes as they are, endnotes with "e" before.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Contents of text boxes anchored here.</summary>
    public List<XElement> Boxes { get; } = [];

    /// <summary>How many pages ended inside, as Word last laid the document out; before and after the first character of text.</summary>
    public int PagesBefore { get; private set; }

    public int PagesAfter { get; private set; }

    public override string ToString() => _text.ToString();

    /// <param name="note">Gives a note its number.</param>
    public void Read(XElement element, Func<string, int> note, int depth = 0)
    {
        if (depth > maxDepth)
        {
            throw new ParseException(FailureCodes.TooLarge, $"The document nests deeper than {maxDepth} levels.");
        }

        foreach (var child in element.Elements())
        {
            switch (child.Name.LocalName)
            {
                case "t":
                    _text.Append(child.Value);
                    break;
                case "tab" or "ptab":
                    _text.Append('\t');
                    break;
                case "br" or "cr":
                    if (child.Attr("type") is not ("page" or "column"))
                    {
                        _text.Append('\n');
                    }

                    break;
                case "noBreakHyphen":
                    _text.Append('-');
                    break;
                case "sym":
                    Symbol(child.Attr("char"));
                    break;
                case "lastRenderedPageBreak":
                    _ = _text.Length == 0 ? PagesBefore++ : PagesAfter++;
                    break;
                case "footnoteReference" or "endnoteReference" when child.Attr("id") is { } id:
                    var key = child.Name.LocalName[0] == 'e' ? "e" + id : id;
                    Notes.Add(key);
                    _text.Append(CultureInfo.InvariantCulture, $"[{note(key)}]");
                    break;
                case "txbxContent":
                    Boxes.Add(child);
                    break;
                case "AlternateContent":
                    // The same thing twice, for newer and for older readers.
                    if ((child.Child("Choice") ?? child.Child("Fallback")) is { } choice)
                    {
                        Read(choice, note, depth + 1);
                    }

                    break;
                case "pPr" or "rPr" or "del" or "moveFrom" or "instrText" or "fldData" or "commentReference" or "sdtPr" or "delText":
                    break;
                default:
                    Read(child, note, depth + 1);
                    break;
            }
        }
    }

    private void Symbol(string? code)
    {
        if (int.TryParse(code, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value))
        {
            // Symbol fonts: bullets, check marks and boxes are what is used of them.
            _text.Append(value is 0xf0fc or 0xf0fe or 0xf052 ? "✓" : value is 0xf0b7 or 0xf0a7 ? "•" : value is > 0x20 and < 0xd800 ? ((char)value).ToString() : "");
        }
    }
}
