namespace RagCluster.Samples;

public abstract record Block;
public sealed record Heading(int Level, string Text) : Block;
public sealed record Paragraph(string Text) : Block;
public sealed record ListBlock(bool Numbered, IReadOnlyList<string> Items) : Block;
/// <summary>The first row is the header.</summary>
public sealed record Table(IReadOnlyList<IReadOnlyList<string>> Rows) : Block;

/// <summary>A piece of a line in one style.</summary>
public readonly record struct Run(string Text, bool Bold, bool Italic);

/// <summary>
/// The text of one generated document: `key: value` lines between two `---` lines, then blocks in a small part of Markdown
/// (headings, paragraphs of one line, lists, pipe tables, **bold**, *italic*).
/// </summary>
public sealed record SourceDocument(string Name, string Output, string Title, string Subtitle, string Form, IReadOnlyList<Block> Blocks)
{
    public static SourceDocument Parse(string name, string text)
    {
        var lines = text.ReplaceLineEndings("\n").Split('\n');
        var end = Array.IndexOf(lines, "---", 1);
        if (lines[0] != "---" || end < 0)
        {
            throw new FormatException($"'{name}' must start with settings between two lines of '---'.");
        }

        var settings = lines[1..end].Select(line => line.Split(": ", 2)).ToDictionary(pair => pair[0], pair => pair[1]);
        string Setting(string key) => settings.TryGetValue(key, out var value) ? value : throw new FormatException($"'{name}' lacks the setting '{key}'.");
        return new SourceDocument(name, Setting("output"), Setting("title"), Setting("subtitle"), Setting("form"), ParseBlocks(lines[(end + 1)..]));
    }

    /// <summary>Splits a line at its ** and * marks. A mark without its partner is an error in the source.</summary>
    public static IReadOnlyList<Run> Runs(string text)
    {
        var runs = new List<Run>();
        var (bold, italic, start) = (false, false, 0);
        for (var i = 0; i <= text.Length; i++)
        {
            if (i < text.Length && text[i] != '*')
            {
                continue;
            }

            if (i > start)
            {
                runs.Add(new Run(text[start..i], bold, italic));
            }

            if (i < text.Length && i + 1 < text.Length && text[i + 1] == '*')
            {
                bold = !bold;
                i++;
            }
            else if (i < text.Length)
            {
                italic = !italic;
            }

            start = i + 1;
        }

        return bold || italic ? throw new FormatException($"A * is not closed in: {text}") : runs;
    }

    private static List<Block> ParseBlocks(string[] lines)
    {
        var blocks = new List<Block>();
        for (var i = 0; i < lines.Length;)
        {
            var line = lines[i];
            if (line.Length == 0)
            {
                i++;
            }
            else if (line[0] == '#')
            {
                var level = line.TakeWhile(c => c == '#').Count();
                blocks.Add(new Heading(level, line[level..].Trim()));
                i++;
            }
            else if (line[0] == '|')
            {
                var rows = Take(lines, ref i, l => l.StartsWith('|'));
                blocks.Add(new Table([.. rows.Where((_, row) => row != 1).Select(Cells)]));
            }
            else if (line.StartsWith("- ", StringComparison.Ordinal))
            {
                blocks.Add(new ListBlock(false, [.. Take(lines, ref i, l => l.StartsWith("- ", StringComparison.Ordinal)).Select(l => l[2..])]));
            }
            else if (IsNumbered(line))
            {
                blocks.Add(new ListBlock(true, [.. Take(lines, ref i, IsNumbered).Select(l => l[(l.IndexOf(". ", StringComparison.Ordinal) + 2)..])]));
            }
            else
            {
                blocks.Add(new Paragraph(line));
                i++;
            }
        }

        return blocks;
    }

    private static bool IsNumbered(string line) => line.Length > 3 && char.IsAsciiDigit(line[0]) && line.IndexOf(". ", StringComparison.Ordinal) is 1 or 2;

    private static IReadOnlyList<string> Cells(string row) => [.. row.Trim('|').Split('|').Select(cell => cell.Trim())];

    private static List<string> Take(string[] lines, ref int i, Func<string, bool> belongs)
    {
        var taken = new List<string>();
        while (i < lines.Length && belongs(lines[i]))
        {
            taken.Add(lines[i++]);
        }

        return taken;
    }
}
