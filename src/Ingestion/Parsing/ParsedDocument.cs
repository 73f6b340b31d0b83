namespace RagCluster.Ingestion.Parsing;

/// <summary>
/// What a parser found in a document. <see cref="Text"/> is the canonical extracted text of the document version:
/// every span anywhere (blocks, chunks, passages, citations) is a pair of UTF-16 code unit offsets into it, end exclusive.
/// The same bytes, name and limits always give the same text.
/// </summary>
public sealed record ParsedDocument
{
    /// <summary>Well-formed UTF-16, line ends as "\n", without control characters other than tab and line feed.</summary>
    public required string Text { get; init; }

    /// <summary>The title that the document gives itself, else its file name without the extension. Never empty.</summary>
    public required string Title { get; init; }

    /// <summary>One of <see cref="MediaTypes"/>, as found by looking at the content.</summary>
    public required string MediaType { get; init; }

    /// <summary>The structure, in the order of the text; spans do not overlap.</summary>
    public required IReadOnlyList<Block> Blocks { get; init; }

    /// <summary>How many pages the document has; null where the format has none.</summary>
    public int? Pages { get; init; }

    /// <summary>What the document says of itself (front matter, document properties): author, language, description.</summary>
    public IReadOnlyDictionary<string, string> Metadata { get; init; } = new Dictionary<string, string>();

    /// <summary>What was left out and why, for a person: pages without text, a damaged part that could be skipped.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>A structural piece of a document's text.</summary>
/// <param name="Start">UTF-16 offset into the text, inclusive.</param>
/// <param name="End">UTF-16 offset, exclusive.</param>
public sealed record Block(BlockKind Kind, int Start, int End)
{
    /// <summary>From 1 (outermost) for a heading; 0 for everything else.</summary>
    public int Level { get; init; }

    /// <summary>The headings above this block, outermost first; a heading does not list itself.</summary>
    public IReadOnlyList<string> Headings { get; init; } = [];

    /// <summary>The page on which the block starts, from 1; null where the format has no pages.</summary>
    public int? Page { get; init; }

    /// <summary>The row of a table or the line of a record in its file, from 1 as a person counts; null elsewhere.</summary>
    public int? Row { get; init; }

    /// <summary>Whether something unrelated to what stands before starts here (a record): no chunk spans this point.</summary>
    public bool StartsRecord { get; init; }
}

/// <summary>What a block is.</summary>
public enum BlockKind
{
    Paragraph,
    Heading,
    ListItem,

    /// <summary>One row, readable by itself: "Header: value; Header: value", or "value | value" in a table without header.</summary>
    TableRow,
    Code,
}
