namespace RagCluster.Messages;

/// <summary>
/// A piece of one document version that can be found and cited. <see cref="Start"/> and <see cref="End"/> are
/// UTF-16 code unit offsets, end exclusive, into that version's extracted text: <c>text[Start..End] == Text</c>.
/// </summary>
public sealed record Passage(
    DocumentId Document,
    int Version,
    int Ordinal,
    int Start,
    int End,
    string Text)
{
    /// <summary>The document's title, or its file name where it has none.</summary>
    public string Title { get; init; } = "";

    /// <summary>The headings above the passage, outermost first.</summary>
    public IReadOnlyList<string> Headings { get; init; } = [];

    /// <summary>The page on which the passage starts, from 1; null where the format has no pages.</summary>
    public int? Page { get; init; }

    public ChunkId Id => new(Document, Version, Ordinal);
}

/// <summary>A passage with the score that ranked it; the greater the better, comparable within one result only.</summary>
public sealed record ScoredPassage(Passage Passage, double Score);

/// <summary>
/// A numbered reference from an answer to the exact span that supports it (I8): the extracted text of
/// (<see cref="Document"/>, <see cref="Version"/>) from <see cref="Start"/> to <see cref="End"/> is <see cref="Quote"/>.
/// </summary>
/// <param name="N">The number in the answer's text, as in "[1]".</param>
/// <param name="Chunk">The ordinal of the chunk that the span lies in.</param>
/// <param name="Start">UTF-16 offset in the extracted text of that version, inclusive.</param>
/// <param name="End">UTF-16 offset, exclusive.</param>
/// <param name="Page">The page, from 1, where the format has pages.</param>
public sealed record Citation(
    int N,
    DocumentId Document,
    int Version,
    int Chunk,
    int Start,
    int End,
    int? Page,
    string Quote,
    string Title);
