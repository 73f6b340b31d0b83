using System.Text;
using RagCluster.Messages;
using RagCluster.Messages.Partitions;

namespace RagCluster.Retrieval.Index;

/// <summary>A document version as a segment keeps it; who may read it can change, and stands in the <see cref="DocumentEntry"/>. Its chunks are those numbered [<see cref="First"/>, First + <see cref="Count"/>).</summary>
internal sealed record StoredDocument(
    DocumentId Document,
    int Version,
    string Title,
    IReadOnlyDictionary<string, string> Metadata,
    string Model,
    int First,
    int Count);

/// <summary>What a search shows of a chunk. The text is at hand as a string, or still UTF-8 or UTF-16 bytes of a segment file.</summary>
internal readonly struct StoredChunk
{
    private readonly object _text;
    private readonly int _textOffset;
    private readonly int _textLength;

    public StoredChunk(StoredDocument document, Chunk chunk)
    {
        Document = document;
        Ordinal = chunk.Ordinal;
        Start = chunk.Start;
        End = chunk.End;
        Page = chunk.Page;
        Headings = chunk.Headings;
        _text = chunk.Text;
    }

    /// <param name="textLength">In bytes; negative where they are UTF-16, because the text is no valid Unicode.</param>
    public StoredChunk(StoredDocument document, int ordinal, int start, int end, int? page, IReadOnlyList<string> headings, byte[] texts, int textOffset, int textLength)
    {
        Document = document;
        Ordinal = ordinal;
        Start = start;
        End = end;
        Page = page;
        Headings = headings;
        _text = texts;
        _textOffset = textOffset;
        _textLength = textLength;
    }

    /// <summary>The same chunk for another segment, independent of the file that it may have come from.</summary>
    public StoredChunk(StoredDocument document, in StoredChunk chunk)
    {
        this = chunk;
        Document = document;
        _text = chunk.Text;
    }

    public StoredDocument Document { get; }

    /// <summary>In bytes, as it is kept.</summary>
    public long TextSize => _text is string text ? text.Length * 2L : Math.Abs((long)_textLength);

    public int Ordinal { get; }

    public int Start { get; }

    public int End { get; }

    public int? Page { get; }

    public IReadOnlyList<string> Headings { get; }

    public string Text => _text switch
    {
        string text => text,
        byte[] bytes when _textLength < 0 =>
            new string(System.Runtime.InteropServices.MemoryMarshal.Cast<byte, char>(bytes.AsSpan(_textOffset, -_textLength))),
        byte[] bytes => Encoding.UTF8.GetString(bytes.AsSpan(_textOffset, _textLength)),
        _ => throw new InvalidOperationException("A stored chunk has no text."),
    };

    public ChunkId Id => new(Document.Document, Document.Version, Ordinal);

    public Passage ToPassage() => new(Document.Document, Document.Version, Ordinal, Start, End, Text)
    {
        Title = Document.Title,
        Headings = Headings,
        Page = Page,
    };
}
