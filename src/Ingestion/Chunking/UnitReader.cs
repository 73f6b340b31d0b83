using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Text;

namespace RagCluster.Ingestion.Chunking;

/// <summary>A stretch of text that a chunk holds whole.</summary>
/// <param name="Block">The index of the block that it is of.</param>
internal sealed record Unit(BlockKind Kind, int Start, int End, int Tokens, int Block)
{
    public int Level { get; init; }

    public IReadOnlyList<string> Headings { get; init; } = [];

    public int? Page { get; init; }

    public bool StartsRecord { get; init; }
}

/// <summary>Takes a document's blocks apart into units no larger than a chunk.</summary>
internal static class UnitReader
{
    public static List<Unit> Read(ParsedDocument document, int maxTokens)
    {
        var units = new List<Unit>(document.Blocks.Count);
        for (var i = 0; i < document.Blocks.Count; i++)
        {
            var block = document.Blocks[i];
            var text = document.Text.AsSpan(block.Start, block.End - block.Start);
            var from = units.Count;
            switch (block.Kind)
            {
                case BlockKind.Paragraph:
                    foreach (var sentence in SentenceSplitter.Split(text))
                    {
                        Add(units, document, block, i, block.Start + sentence.Start, block.Start + sentence.End, maxTokens);
                    }

                    break;
                case BlockKind.Code:
                    Lines(units, document, block, i, maxTokens);
                    break;
                default:
                    Whole(units, document, block, i, maxTokens);
                    break;
            }

            if (block.StartsRecord && units.Count > from)
            {
                units[from] = units[from] with { StartsRecord = true };
            }
        }

        return units;
    }

    /// <summary>One unit if it fits, else its sentences.</summary>
    private static void Whole(List<Unit> units, ParsedDocument document, Block block, int index, int maxTokens)
    {
        var text = document.Text.AsSpan(block.Start, block.End - block.Start);
        if (TokenCounter.Count(text) <= maxTokens)
        {
            Add(units, document, block, index, block.Start, block.End, maxTokens);
            return;
        }

        foreach (var sentence in SentenceSplitter.Split(text))
        {
            Add(units, document, block, index, block.Start + sentence.Start, block.Start + sentence.End, maxTokens);
        }
    }

    /// <summary>Code is cut between lines, and only where it must be.</summary>
    private static void Lines(List<Unit> units, ParsedDocument document, Block block, int index, int maxTokens)
    {
        var start = block.Start;
        var tokens = 0;
        for (var at = block.Start; at < block.End;)
        {
            var feed = document.Text.IndexOf('\n', at, block.End - at);
            var lineEnd = feed < 0 ? block.End : feed;
            var line = TokenCounter.Count(document.Text.AsSpan(at, lineEnd - at));
            if (tokens > 0 && tokens + line > maxTokens / 2)
            {
                Add(units, document, block, index, start, at - 1, maxTokens);
                start = at;
                tokens = 0;
            }

            tokens += line;
            at = lineEnd + 1;
        }

        Add(units, document, block, index, start, block.End, maxTokens);
    }

    /// <summary>Adds a stretch, cut at white space (or anywhere, in a text without) where it is larger than a chunk may be.</summary>
    private static void Add(List<Unit> units, ParsedDocument document, Block block, int index, int start, int end, int maxTokens)
    {
        while (start < end && char.IsWhiteSpace(document.Text[start]) && block.Kind != BlockKind.ListItem)
        {
            start++;
        }

        while (start < end)
        {
            var stop = Cut(document.Text, start, end, maxTokens, out var tokens);
            var trimmed = stop;
            while (trimmed > start && char.IsWhiteSpace(document.Text[trimmed - 1]))
            {
                trimmed--;
            }

            if (trimmed > start && tokens > 0)
            {
                // What is left of a heading or a row that was cut is prose.
                var kind = stop < end && block.Kind == BlockKind.Heading ? BlockKind.Paragraph : block.Kind;
                units.Add(new Unit(kind, start, trimmed, tokens, index) { Level = block.Level, Headings = block.Headings, Page = block.Page });
            }

            start = stop;
        }
    }

    private static int Cut(string text, int start, int end, int maxTokens, out int tokens)
    {
        tokens = TokenCounter.Count(text.AsSpan(start, Math.Min(end - start, maxTokens * 16)));
        if (tokens <= maxTokens && end - start <= maxTokens * 16)
        {
            return end;
        }

        // The longest prefix that fits, by doubling steps of words.
        int low = start + 1, high = Math.Min(end, start + maxTokens * 16);
        while (low < high)
        {
            var middle = low + (high - low + 1) / 2;
            if (TokenCounter.Count(text.AsSpan(start, middle - start)) <= maxTokens)
            {
                low = middle;
            }
            else
            {
                high = middle - 1;
            }
        }

        var cut = low;
        if (cut < end)
        {
            var space = text.AsSpan(start, cut - start).LastIndexOfAny(' ', '\n', '\t');
            cut = space > (cut - start) / 2 ? start + space + 1 : DocumentBuilder.Boundary(text, cut);
        }

        cut = cut <= start ? Math.Min(end, start + 2) : cut;
        tokens = TokenCounter.Count(text.AsSpan(start, cut - start));
        return cut;
    }
}
