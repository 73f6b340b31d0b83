using RagCluster.Ingestion.Parsing;
using RagCluster.Messages.Text;

namespace RagCluster.Ingestion.Chunking;

/// <summary>A piece of a document's text that is embedded, found and cited as one: <c>document.Text[Start..End] == Text</c>, exactly.</summary>
/// <param name="Ordinal">From 0, in the order of the text.</param>
/// <param name="Start">UTF-16 offset into <see cref="ParsedDocument.Text"/>, inclusive.</param>
/// <param name="End">UTF-16 offset, exclusive.</param>
public sealed record Chunk(int Ordinal, int Start, int End, string Text)
{
    /// <summary>The headings above the chunk's first line, outermost first.</summary>
    public IReadOnlyList<string> Headings { get; init; } = [];

    /// <summary>The page on which the chunk starts, from 1; null where the format has no pages.</summary>
    public int? Page { get; init; }

    /// <summary>Its approximate size, as <see cref="TokenCounter"/> counts.</summary>
    public int Tokens { get; init; }
}

/// <summary>How large chunks are, in approximate tokens (<see cref="TokenCounter"/>).</summary>
public sealed record ChunkerOptions
{
    /// <summary>The size that chunks come close to.</summary>
    public int TargetTokens { get; init; } = 180;

    /// <summary>The size that no chunk exceeds, except for its overlap.</summary>
    public int MaxTokens { get; init; } = 300;

    /// <summary>How much of the end of a chunk the next one of the same section repeats, in whole sentences; 0 repeats nothing.</summary>
    public int OverlapTokens { get; init; }

    /// <summary>Throws <see cref="ArgumentException"/> where the sizes contradict each other.</summary>
    public ChunkerOptions Validated()
    {
        if (TargetTokens < 16 || MaxTokens < TargetTokens || OverlapTokens < 0 || OverlapTokens > TargetTokens / 2)
        {
            throw new ArgumentException(
                $"Chunk sizes must hold 16 <= target <= max and 0 <= overlap <= target / 2; they are target {TargetTokens}, max {MaxTokens}, overlap {OverlapTokens}.");
        }

        return this;
    }
}
