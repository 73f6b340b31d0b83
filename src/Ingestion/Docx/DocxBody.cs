using System.Xml.Linq;
using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Docx;

/// <summary>Writes the body's paragraphs and tables.</summary>
internal sealed class DocxBody
{
    private readonly FormatInput _input;
    private readonly DocumentBuilder _into;
    private readonly DocxStyles _styles;
    private readonly DocxNumbering _numbering;
    private readonly Dictionary<string, XElement> _notes = [];
    private readonly Dictionary<string, int> _noteNumbers = [];
    private int _page = 1;

    public DocxBody(FormatInput input, DocumentBuilder into, DocxPackage package)
    {
        _input = input;
        _into = into;
        _styles = new DocxStyles(package.Sibling("styles.xml", into));
        _numbering = new DocxNumbering(package.Sibling("numbering.xml", into));
        LoadNotes(package.Sibling("footnotes.xml", into), "footnote", "");
        LoadNotes(package.Sibling("endnotes.xml", into), "endnote", "e");
        _into.Page = null;
    }

    /// <summary>The first paragraph in the title style.</summary>
    public string? Title { get; private set; }

    /// <summary>How many pages Word last laid out; null where the document does not say.</summary>
    public int? Pages => _page > 1 ? _page : null;

    public void Write(XElement element, int depth = 0)
    {
        _input.Cancellation.ThrowIfCancellationRequested();
        if (depth > _input.Limits.NestingDepth)
        {
            throw new ParseException(FailureCodes.TooLarge, $"The document nests deeper than {_input.Limits.NestingDepth} levels.");
        }

        switch (element.Name.LocalName)
        {
            case "p":
                WriteParagraph(element, depth);
                break;
            case "tbl":
                WriteTable(element, depth);
                break;
            case "sectPr" or "sdtPr" or "del" or "moveFrom":
                break;
            case "AlternateContent":
                if ((element.Child("Choice") ?? element.Child("Fallback")) is { } choice)
                {
                    Write(choice, depth + 1);
                }

                break;
            default:
                foreach (var child in element.Elements())
                {
                    Write(child, depth + 1);
                }

                break;
        }
    }

    private DocxText Text(XElement paragraph)
    {
        var text = new DocxText(_input.Limits.NestingDepth);
        text.Read(paragraph, Number);
        return text;
    }

    private int Number(string note)
    {
        if (!_noteNumbers.TryGetValue(note, out var number))
        {
            _noteNumbers[note] = number = _noteNumbers.Count + 1;
        }

        return number;
    }

    private void WriteParagraph(XElement paragraph, int depth)
    {
        var properties = paragraph.Child("pPr");
        var read = Text(paragraph);
        var text = read.ToString();
        _page += read.PagesBefore;
        _into.Page = Pages;
        if (!string.IsNullOrWhiteSpace(text))
        {
            var list = _styles.List(properties);
            if (_styles.IsTitle(properties))
            {
                Title ??= text;
                _into.Heading(1, text);
            }
            else if (_styles.HeadingLevel(properties) is var level and > 0)
            {
                var mark = list is { } l ? _numbering.Next(l.Id, l.Level) : "-";
                _into.Heading(level, mark == "-" ? text : $"{mark} {text}");
            }
            else if (list is { } l)
            {
                _into.ListItem(text, l.Level, _numbering.Next(l.Id, l.Level));
            }
            else if (_styles.IsCode(properties))
            {
                _into.Code(text);
            }
            else
            {
                _into.Paragraph(text);
            }
        }

        _page += read.PagesAfter;
        foreach (var box in read.Boxes)
        {
            Write(box, depth + 1);
        }

        WriteNotes(read);
    }

    private void WriteNotes(DocxText read)
    {
        foreach (var id in read.Notes)
        {
            // A note is written once, where it is first referred to.
            if (_notes.Remove(id, out var note))
            {
                _into.Paragraph($"[{Number(id)}] {string.Join("\n", note.Children("p").Select(p => Text(p).ToString().Trim()))}");
            }
        }
    }

    private void WriteTable(XElement table, int depth)
    {
        var rows = table.Descendants().Where(e => e.Name.LocalName == "tr" && e.Ancestors().First(a => a.Name.LocalName == "tbl") == table).ToList();
        var cells = rows.Select(r => r.Descendants().Where(e => e.Name.LocalName == "tc" && e.Ancestors().First(a => a.Name.LocalName == "tr") == r).ToList()).ToList();
        _page += cells.Count == 0 ? 0 : cells[0].Take(1).Sum(c => Text(c).PagesBefore);
        _into.Page = Pages;
        if (cells.Count == 0 || cells.Max(r => r.Count) <= 1)
        {
            // A single column places text; it compares nothing.
            foreach (var child in cells.SelectMany(r => r).SelectMany(c => c.Elements()))
            {
                Write(child, depth + 1);
            }

            return;
        }

        var notes = new List<DocxText>();
        var grid = Grid(cells, notes);
        var header = IsHeader(table, rows[0], grid) ? grid[0] : null;
        TableText.Write(_into, header, grid.Skip(header is null ? 0 : 1));
        notes.ForEach(WriteNotes);
    }

    private List<List<string>> Grid(List<List<XElement>> rows, List<DocxText> notes)
    {
        var grid = new List<List<string>>();
        foreach (var row in rows)
        {
            _input.Cancellation.ThrowIfCancellationRequested();
            var line = new List<string>();
            foreach (var cell in row)
            {
                var properties = cell.Child("tcPr");
                var merged = properties.Child("vMerge") is { } merge && merge.Attr("val") != "restart";
                // A cell that continues the one above means the same.
                var text = merged && grid.Count > 0 && line.Count < grid[^1].Count ? grid[^1][line.Count]
                    : string.Join(" ", cell.Descendants().Where(e => e.Name.LocalName == "p").Select(p =>
                    {
                        var read = Text(p);
                        notes.Add(read);
                        return read.ToString();
                    }));
                line.Add(text);
                for (var span = Math.Clamp(DocxXml.Int(properties.Value("gridSpan")) ?? 1, 1, 64); span > 1; span--)
                {
                    line.Add("");
                }
            }

            grid.Add(line);
        }

        return grid;
    }

    private static bool IsHeader(XElement table, XElement firstRow, List<List<string>> grid)
    {
        if (grid.Count < 2)
        {
            return false;
        }

        if (firstRow.Child("trPr").IsOn("tblHeader"))
        {
            return true;
        }

        var look = table.Child("tblPr").Child("tblLook");
        var marked = look.Attr("firstRow") is "1" or "true" || look.Attr("val") is { Length: 4 } bits && int.TryParse(bits, System.Globalization.NumberStyles.AllowHexSpecifier, null, out var flags) && (flags & 0x20) != 0;
        var names = grid[0].Where(c => !string.IsNullOrWhiteSpace(c)).ToList();
        return marked && names.Count >= grid[0].Count - 1 && names.Count >= 2 && names.All(n => n.Length <= 60 && !char.IsDigit(n.Trim()[0])) && names.Distinct().Count() == names.Count;
    }

    private void LoadNotes(XElement? part, string name, string prefix)
    {
        foreach (var note in part?.Children(name) ?? [])
        {
            // Separators between text and notes are notes too, of special types.
            if (note.Attr("id") is { } id && (note.Attr("type") ?? "normal") == "normal")
            {
                _notes.TryAdd(prefix + id, note);
            }
        }
    }
}
