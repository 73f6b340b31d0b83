using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Text;

namespace RagCluster.Ingestion.Chunking;

/// <summary>
/// Cuts a document into chunks along its structure.
/// <list type="number">
/// <item>The blocks become units that are never cut: headings, list items, table rows, short code, and the sentences of
/// paragraphs. A unit larger than a chunk may be is cut at white space.</item>
/// <item>Dynamic programming chooses the cuts between units with the least cost: a chunk costs the square of its relative
/// distance from the target size; a cut costs little before a heading and much inside a paragraph or a table; a heading
/// in the middle of a chunk costs, the more the higher it ranks. No cut is made right behind a heading, none is left
/// out where a record starts, and no chunk exceeds the maximum.</item>
/// <item>Where overlap is asked for, a chunk that continues a section begins some whole units earlier.</item>
/// </list>
/// Time and memory are linear in the number of units (each looks back at most one chunk). The same document and options
/// always give the same chunks.
/// </summary>
public sealed class Chunker(ChunkerOptions options)
{
    /// <summary>How much worse a chunk is for being too large than for being too small: a passage that is quoted should be short.</summary>
    private const double Excess = 6;

    private readonly ChunkerOptions _options = options.Validated();

    public IReadOnlyList<Chunk> Split(ParsedDocument document)
    {
        ArgumentNullException.ThrowIfNull(document);
        var units = UnitReader.Read(document, _options.MaxTokens);
        var chunks = new List<Chunk>();
        var from = 0;
        while (from < units.Count)
        {
            var to = from + 1;
            while (to < units.Count && !units[to].StartsRecord)
            {
                to++;
            }

            Pack(document, units, from, to, chunks);
            from = to;
        }

        return chunks;
    }

    private void Pack(ParsedDocument document, List<Unit> units, int from, int to, List<Chunk> chunks)
    {
        var count = to - from;
        var cost = new double[count + 1];
        var start = new int[count + 1];
        for (var end = 1; end <= count; end++)
        {
            cost[end] = double.PositiveInfinity;
            var tokens = 0;
            var inside = 0.0;
            for (var first = end - 1; first >= 0; first--)
            {
                var unit = units[from + first];
                tokens += unit.Tokens;
                if (tokens > _options.MaxTokens && first < end - 1)
                {
                    break;
                }

                var total = cost[first] + SizeCost(tokens) + inside + (end < count ? CutCost(units[from + end - 1], units[from + end]) : 0);
                if (total < cost[end])
                {
                    cost[end] = total;
                    start[end] = first;
                }

                // From the next step on this unit stands in the middle of the chunk.
                inside += InsideCost(unit, first > 0 ? units[from + first - 1] : null);
            }
        }

        var ends = new Stack<int>();
        for (var end = count; end > 0; end = start[end])
        {
            ends.Push(end);
        }

        var previous = 0;
        foreach (var end in ends)
        {
            Add(document, units, from + previous, from + end, from, chunks);
            previous = end;
        }
    }

    private double SizeCost(int tokens)
    {
        var off = (double)(tokens - _options.TargetTokens) / _options.TargetTokens;
        return off <= 0 ? off * off : Excess * off * off;
    }

    private static double CutCost(Unit before, Unit after) => (before.Kind, after.Kind) switch
    {
        (BlockKind.Heading, _) => 100,
        (_, BlockKind.Heading) => 0,
        _ when before.Block == after.Block => 0.3,
        (BlockKind.TableRow, BlockKind.TableRow) or (BlockKind.ListItem, BlockKind.ListItem) => 0.15,
        // A list or a table belongs to the line that introduces it.
        (BlockKind.Paragraph, BlockKind.ListItem or BlockKind.TableRow or BlockKind.Code) => 0.35,
        _ => 0.08,
    };

    private static double InsideCost(Unit unit, Unit? before) =>
        unit.Kind != BlockKind.Heading || before is null || before.Kind == BlockKind.Heading ? 0 : unit.Level switch { 1 => 1.5, 2 => 0.8, 3 => 0.4, _ => 0.2 };

    private void Add(ParsedDocument document, List<Unit> units, int from, int to, int section, List<Chunk> chunks)
    {
        var first = units[from];
        var start = first.Start;
        var overlap = 0;
        for (var i = from - 1; first.Kind != BlockKind.Heading && i >= section && units[i].Kind != BlockKind.Heading && overlap + units[i].Tokens <= _options.OverlapTokens; i--)
        {
            overlap += units[i].Tokens;
            start = units[i].Start;
            first = units[i];
        }

        var end = units[to - 1].End;
        var text = document.Text[start..end];
        chunks.Add(new Chunk(chunks.Count, start, end, text) { Headings = first.Headings, Page = first.Page, Tokens = TokenCounter.Count(text) });
    }
}
