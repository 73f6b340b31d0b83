using System.Text.RegularExpressions;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Parsing.Formats;

/// <summary>
/// Plain text: the text stays as it is (line ends and control characters aside), so offsets are the file's own;
/// paragraphs, headings and list items are recognised by how they are set.
/// </summary>
internal sealed partial class PlainTextFormat : IFormat
{
    private const int LongestHeading = 80;

    public string MediaType => MediaTypes.PlainText;

    public ParsedDocument Parse(FormatInput input)
    {
        var text = TextDecoder.Decode(input.Content.Span);
        if (text.Length > input.Limits.OutputCharacters)
        {
            throw new ParseException(FailureCodes.TooLarge, $"The document's text is longer than {input.Limits.OutputCharacters:N0} characters. Split it into smaller documents.");
        }

        var blocks = new List<Block>();
        var path = new List<(int Level, string Text)>();
        IReadOnlyList<string> headings = [];
        var at = 0;
        while (at < text.Length)
        {
            if ((blocks.Count & 255) == 0)
            {
                input.Cancellation.ThrowIfCancellationRequested();
            }

            var (start, end, underlined) = NextParagraph(text, ref at);
            if (start == end)
            {
                continue;
            }

            if (blocks.Count >= input.Limits.Blocks)
            {
                throw new ParseException(FailureCodes.TooLarge, $"The document has more than {input.Limits.Blocks:N0} paragraphs. Split it into smaller documents.");
            }

            if (HeadingLevel(text, start, end, underlined) is var level and > 0)
            {
                while (path.Count > 0 && path[^1].Level >= level)
                {
                    path.RemoveAt(path.Count - 1);
                }

                headings = [.. path.Select(h => h.Text)];
                blocks.Add(new Block(BlockKind.Heading, start, end) { Level = level, Headings = headings });
                path.Add((level, TextCleaner.OneLine(text.AsSpan(start, end - start))));
                headings = [.. path.Select(h => h.Text)];
            }
            else
            {
                var kind = ListMark().IsMatch(text.AsSpan(start, Math.Min(end - start, 16))) ? BlockKind.ListItem : BlockKind.Paragraph;
                blocks.Add(new Block(kind, start, end) { Headings = headings });
            }
        }

        return DocumentBuilder.Finish(text, blocks, MediaTypes.PlainText, Title(text, blocks), input.Name);
    }

    /// <summary>
    /// The lines up to an empty one, a list item's mark or an underline. White space around them is not part of it.
    /// </summary>
    private static (int Start, int End, char Underlined) NextParagraph(string text, ref int at)
    {
        var start = at;
        while (start < text.Length && char.IsWhiteSpace(text[start]))
        {
            start++;
        }

        var end = start;
        at = start;
        for (var lines = 0; at < text.Length; lines++)
        {
            var feed = text.IndexOf('\n', at);
            var lineEnd = feed < 0 ? text.Length : feed;
            var line = text.AsSpan(at, lineEnd - at);
            if (line.IsWhiteSpace())
            {
                break;
            }

            if (lines > 0 && ListMark().IsMatch(line[..Math.Min(line.Length, 16)]))
            {
                break;
            }

            var next = feed < 0 ? text.Length : feed + 1;
            if (lines == 1 && Underline(line) is var mark and not '\0')
            {
                at = next;
                return (start, end, mark);
            }

            end = at + line.TrimEnd().Length;
            at = next;
        }

        return (start, end, '\0');
    }

    private static char Underline(ReadOnlySpan<char> line)
    {
        var mark = line.Trim();
        return mark.Length >= 3 && mark[0] is '=' or '-' or '~' && mark.IndexOfAnyExcept(mark[0]) < 0 ? mark[0] : '\0';
    }

    private static int HeadingLevel(string text, int start, int end, char underlined)
    {
        var line = text.AsSpan(start, end - start);
        if (line.Length > LongestHeading || line.Contains('\n'))
        {
            return 0;
        }

        if (underlined != '\0')
        {
            return underlined == '=' ? 1 : 2;
        }

        if (line[0] == '#' && line.TrimStart('#') is var rest && rest.StartsWith(" ") && line.Length - rest.Length <= 6)
        {
            return line.Length - rest.Length;
        }

        if (line[^1] is '.' or ',' or ';' or ':' or '!' or '?')
        {
            return 0;
        }

        var numbered = Numbered().Match(text, start, end - start);
        if (numbered.Success)
        {
            return Math.Min(1 + numbered.Groups["n"].ValueSpan.Count('.'), 6);
        }

        var letters = 0;
        foreach (var c in line)
        {
            if (char.IsLower(c))
            {
                return 0;
            }

            letters += char.IsLetter(c) ? 1 : 0;
        }

        return letters >= 4 ? 1 : 0;
    }

    private static string? Title(string text, List<Block> blocks)
    {
        if (blocks.Count < 2 || blocks[0] is not { Kind: BlockKind.Heading or BlockKind.Paragraph } first || first.End - first.Start > 100)
        {
            return null;
        }

        var line = text.AsSpan(first.Start, first.End - first.Start);
        if (line.Contains('\n'))
        {
            return LetterHead(line);
        }

        return line[^1] is '.' or ',' or ';' ? null : line.TrimStart("# ").ToString();
    }

    /// <summary>A few short lines on top, such as the company, the title and the edition: the first two name the document.</summary>
    private static string? LetterHead(ReadOnlySpan<char> block)
    {
        var lines = block.ToString().Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return lines.Length is 2 or 3 && Array.TrueForAll(lines, l => l.Length <= LongestHeading / 2 && !char.IsPunctuation(l[^1]))
            ? $"{lines[0]}: {lines[1]}"
            : null;
    }

    [GeneratedRegex(@"^\s*([-*•‣–]|\d{1,3}[.)]|[a-z][.)])[ \t]")]
    private static partial Regex ListMark();

    [GeneratedRegex(@"\G((Chapter|Section|Part|Article|Appendix)\s+)?(?<n>\d{1,2}(\.\d{1,3})+|(?<=\w\s+)\d{1,3})\.?\s+\p{Lu}[^.]*$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Numbered();
}
