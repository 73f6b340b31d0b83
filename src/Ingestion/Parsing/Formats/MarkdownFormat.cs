using System.Text;
using Markdig;
using Markdig.Extensions.Footnotes;
using Markdig.Extensions.Tables;
using Markdig.Extensions.Yaml;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;
using RagCluster.Messages.Documents;
using MarkdownBlock = Markdig.Syntax.Block;

namespace RagCluster.Ingestion.Parsing.Formats;

/// <summary>Markdown (CommonMark with tables, footnotes and front matter), written as plain text with its structure.</summary>
internal sealed class MarkdownFormat : IFormat
{
    private static readonly MarkdownPipeline Pipeline = new MarkdownPipelineBuilder()
        .UseYamlFrontMatter().UsePipeTables().UseGridTables().UseFootnotes().UseDefinitionLists().UseEmphasisExtras().UseTaskLists()
        .Build();

    public string MediaType => MediaTypes.Markdown;

    public ParsedDocument Parse(FormatInput input)
    {
        var text = TextDecoder.Decode(input.Content.Span);
        Guard(text, input.Limits);
        MarkdownDocument markdown;
        try
        {
            markdown = Markdown.Parse(text, Pipeline);
        }
        catch (ArgumentException e) when (e.Message.Contains("nested", StringComparison.OrdinalIgnoreCase))
        {
            throw new ParseException(FailureCodes.TooLarge, "The Markdown nests deeper than 128 levels. Flatten it.");
        }

        var builder = input.NewBuilder();
        foreach (var block in markdown)
        {
            Write(block, builder, input, 0);
        }

        return builder.Build(MediaTypes.Markdown, builder.Metadata.GetValueOrDefault("title"), input.Name);
    }

    // Inline parsing may take quadratic time on a single line of unmatched marks; prose has no such lines.
    private static void Guard(string text, ParserLimits limits)
    {
        if (text.Length > limits.OutputCharacters)
        {
            throw new ParseException(FailureCodes.TooLarge, $"The document's text is longer than {limits.OutputCharacters:N0} characters. Split it into smaller documents.");
        }

        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.Length > 1 << 20)
            {
                throw new ParseException(FailureCodes.TooLarge, "The Markdown holds a line of more than 1,048,576 characters. Break it into lines, or send it as plain text.");
            }
        }
    }

    private static void Write(MarkdownBlock block, DocumentBuilder into, FormatInput input, int depth)
    {
        input.Cancellation.ThrowIfCancellationRequested();
        switch (block)
        {
            case YamlFrontMatterBlock front:
                FrontMatter.Read(front.Lines.ToString(), into.Metadata);
                break;
            case HeadingBlock heading:
                into.Heading(heading.Level, Inlines(heading.Inline));
                break;
            case CodeBlock code:
                into.Code(code.Lines.ToString());
                break;
            case HtmlBlock html:
                HtmlFragment.Write(html.Lines.ToString(), into, input);
                break;
            case Table table:
                WriteTable(table, into);
                break;
            case ListBlock list:
                WriteList(list, into, input, depth);
                break;
            case LinkReferenceDefinitionGroup:
                break;
            case Footnote note:
                into.Paragraph($"[{note.Order}] {string.Join("\n", note.OfType<LeafBlock>().Select(l => Inlines(l.Inline)))}");
                break;
            case LeafBlock leaf:
                into.Paragraph(Inlines(leaf.Inline));
                break;
            case ContainerBlock container:
                foreach (var child in container)
                {
                    Write(child, into, input, depth);
                }

                break;
        }
    }

    private static void WriteList(ListBlock list, DocumentBuilder into, FormatInput input, int depth)
    {
        if (depth == 0)
        {
            into.Gap();
        }

        var number = int.TryParse(list.OrderedStart, out var start) ? start : 1;
        foreach (var item in list.OfType<ListItemBlock>())
        {
            var marker = list.IsOrdered ? $"{number++}." : "-";
            var first = true;
            foreach (var child in item)
            {
                if (first && child is ParagraphBlock paragraph)
                {
                    into.ListItem(Inlines(paragraph.Inline), depth, marker);
                }
                else
                {
                    Write(child, into, input, depth + 1);
                }

                first = false;
            }
        }
    }

    private static void WriteTable(Table table, DocumentBuilder into)
    {
        string[]? header = null;
        var rows = new List<string[]>();
        foreach (var row in table.OfType<TableRow>())
        {
            var cells = row.OfType<TableCell>().Select(c => string.Join(" ", c.Descendants<LeafBlock>().Select(l => Inlines(l.Inline)))).ToArray();
            if (row.IsHeader && header is null)
            {
                header = cells;
            }
            else
            {
                rows.Add(cells);
            }
        }

        TableText.Write(into, header is not null && header.Any(h => h.Length > 0) ? header : null, rows);
    }

    private static string Inlines(ContainerInline? inline)
    {
        if (inline is null)
        {
            return "";
        }

        var text = new StringBuilder();
        Append(inline, text);
        return text.ToString();
    }

    private static void Append(ContainerInline container, StringBuilder text)
    {
        foreach (var inline in container)
        {
            switch (inline)
            {
                case LiteralInline literal:
                    text.Append(literal.Content.AsSpan());
                    break;
                case CodeInline code:
                    text.Append(code.Content);
                    break;
                case HtmlEntityInline entity:
                    text.Append(entity.Transcoded.AsSpan());
                    break;
                case AutolinkInline link:
                    text.Append(link.Url);
                    break;
                case LineBreakInline line:
                    text.Append(line.IsHard ? '\n' : ' ');
                    break;
                case HtmlInline { Tag: var tag } when tag.StartsWith("<br", StringComparison.OrdinalIgnoreCase):
                    text.Append('\n');
                    break;
                case HtmlInline:
                    break;
                case FootnoteLink { IsBackLink: true }:
                    break;
                case FootnoteLink note:
                    text.Append('[').Append(note.Footnote.Order).Append(']');
                    break;
                case Markdig.Extensions.TaskLists.TaskList task:
                    text.Append(task.Checked ? "[x]" : "[ ]");
                    break;
                case ContainerInline nested:
                    Append(nested, text);
                    break;
            }
        }
    }
}

/// <summary>The "key: value" lines at the head of a Markdown file. Lists and nested values are not read.</summary>
internal static class FrontMatter
{
    public static void Read(string yaml, IDictionary<string, string> into)
    {
        foreach (var line in yaml.AsSpan().EnumerateLines())
        {
            var colon = line.IndexOf(':');
            if (colon <= 0 || line[0] is ' ' or '\t' or '#' or '-' || into.Count >= 64)
            {
                continue;
            }

            var value = line[(colon + 1)..].Trim().Trim('"').Trim('\'');
            if (!value.IsEmpty && value.Length <= 1024 && value[0] is not ('[' or '{' or '|' or '>'))
            {
                into[line[..colon].Trim().ToString()] = value.ToString();
            }
        }
    }
}
