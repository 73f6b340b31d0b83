using System.Text;
using AngleSharp.Dom;

namespace RagCluster.Ingestion.Parsing.Html;

/// <summary>Writes elements as blocks: headings, paragraphs, lists, tables, code.</summary>
internal sealed class HtmlWriter(DocumentBuilder into, FormatInput input)
{
    private const int Depth = 400;
    private static readonly HashSet<string> Blocks =
    [
        "address", "article", "aside", "blockquote", "body", "center", "dd", "details", "dir", "div", "dl", "dt", "fieldset", "figcaption", "figure",
        "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "li", "main", "menu", "nav", "ol", "p", "pre", "section",
        "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "caption", "html",
    ];

    private readonly StringBuilder _inline = new();

    public static bool IsBlock(string localName) => Blocks.Contains(localName);

    public void Write(IEnumerable<IElement> elements)
    {
        foreach (var element in elements)
        {
            WriteElement(element, 0, 0);
            Flush();
        }
    }

    private void WriteChildren(INode parent, int depth, int listDepth)
    {
        for (var node = parent.FirstChild; node is not null; node = node.NextSibling)
        {
            if (node is IText text)
            {
                AppendText(text.Data);
            }
            else if (node is IElement element)
            {
                WriteElement(element, depth + 1, listDepth);
            }
        }
    }

    private void WriteElement(IElement element, int depth, int listDepth)
    {
        input.Cancellation.ThrowIfCancellationRequested();
        if (depth > Depth)
        {
            AppendText(element.TextContent);
            return;
        }

        var name = element.LocalName;
        switch (name)
        {
            case "br":
                _inline.Append('\n');
                return;
            case "img" or "hr":
                if (name == "hr")
                {
                    Flush();
                }

                return;
            case "h1" or "h2" or "h3" or "h4" or "h5" or "h6":
                Flush();
                into.Heading(name[1] - '0', element.TextContent);
                return;
            case "pre":
                Flush();
                into.Code(element.TextContent);
                return;
            case "table":
                Flush();
                WriteTable(element, depth, listDepth);
                return;
            case "ul" or "ol" or "menu" or "dir":
                Flush();
                WriteList(element, depth, listDepth);
                return;
            case "dt":
                Flush();
                WriteChildren(element, depth, listDepth);
                if (_inline.Length > 0 && element.NextElementSibling?.LocalName == "dd")
                {
                    _inline.Append(": ");
                }

                return;
            case "dd":
                WriteChildren(element, depth, listDepth);
                Flush();
                return;
            case "sup" or "sub" when element.TextContent.Length > 0:
                WriteChildren(element, depth, listDepth);
                return;
        }

        if (!IsBlock(name))
        {
            WriteChildren(element, depth, listDepth);
            return;
        }

        Flush();
        WriteChildren(element, depth, listDepth);
        Flush();
    }

    private void WriteList(IElement list, int depth, int listDepth)
    {
        if (listDepth == 0)
        {
            into.Gap();
        }

        var number = int.TryParse(list.GetAttribute("start"), out var start) ? start : 1;
        foreach (var item in list.Children)
        {
            if (item.LocalName is "ul" or "ol")
            {
                WriteList(item, depth + 1, listDepth + 1);
                continue;
            }

            var marker = list.LocalName == "ol" ? $"{number++}." : "-";
            WriteItem(item, marker, depth + 1, listDepth);
        }

        if (listDepth == 0)
        {
            into.Gap();
        }
    }

    private void WriteItem(IElement item, string marker, int depth, int listDepth)
    {
        if (depth > Depth)
        {
            AppendText(item.TextContent);
            Flush();
            return;
        }

        // The item's own line first, then what is nested in it.
        var marked = false;
        for (var node = item.FirstChild; node is not null; node = node.NextSibling)
        {
            if (node is IText text)
            {
                AppendText(text.Data);
            }
            else if (node is IElement { LocalName: "ul" or "ol" } nested)
            {
                marked |= FlushItem(marked, marker, listDepth);
                WriteList(nested, depth, listDepth + 1);
            }
            else if (node is IElement { LocalName: "p" or "div" or "span" or "a" or "strong" or "b" or "em" or "i" or "code" or "br" } element && !HoldsBlocks(element))
            {
                if (IsBlock(element.LocalName) && !_inline.ToString().AsSpan().IsWhiteSpace())
                {
                    _inline.Append('\n');
                }

                WriteChildren(element, depth, listDepth + 1);
                if (element.LocalName == "br" || IsBlock(element.LocalName))
                {
                    _inline.Append('\n');
                }
            }
            else if (node is IElement other)
            {
                if (IsBlock(other.LocalName))
                {
                    marked |= FlushItem(marked, marker, listDepth);
                }

                WriteElement(other, depth, listDepth + 1);
            }
        }

        FlushItem(marked, marker, listDepth);
    }

    private static bool HoldsBlocks(IElement element) => element.GetDescendants().OfType<IElement>().Any(e => IsBlock(e.LocalName));

    private bool FlushItem(bool marked, string marker, int listDepth)
    {
        var text = TextCleaner.Lines(_inline.ToString());
        _inline.Clear();
        if (text.Length == 0)
        {
            return false;
        }

        if (marked)
        {
            into.Paragraph(text);
        }
        else
        {
            into.ListItem(text, listDepth, marker);
        }

        return true;
    }

    private void WriteTable(IElement table, int depth, int listDepth)
    {
        var rows = HtmlTable.Rows(table);
        if (HtmlTable.IsLayout(table, rows))
        {
            foreach (var cell in rows.SelectMany(r => r))
            {
                WriteChildren(cell, depth, listDepth);
                Flush();
            }

            return;
        }

        if (table.Children.FirstOrDefault(c => c.LocalName == "caption") is { } caption)
        {
            into.Paragraph(caption.TextContent);
        }

        var (header, body) = HtmlTable.Read(rows);
        TableText.Write(into, header, body);
    }

    private void AppendText(string text)
    {
        // Line feeds of the source are spaces; only <br> breaks a line.
        foreach (var c in text)
        {
            _inline.Append(char.IsWhiteSpace(c) ? ' ' : c);
        }
    }

    private void Flush()
    {
        if (_inline.Length == 0)
        {
            return;
        }

        var text = _inline.ToString();
        _inline.Clear();
        // Two line breaks in a row end a paragraph.
        foreach (var paragraph in ParagraphBreak.Split(text))
        {
            into.Paragraph(paragraph);
        }
    }

    private static readonly System.Text.RegularExpressions.Regex ParagraphBreak = new(@"\n[ \t]*\n\s*", System.Text.RegularExpressions.RegexOptions.CultureInvariant);
}
