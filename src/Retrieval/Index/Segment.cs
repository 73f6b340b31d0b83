using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Scoring;
using RagCluster.Retrieval.Vectors;

namespace RagCluster.Retrieval.Index;

/// <summary>
/// Chunks, numbered from 0 as they came, with their postings and vectors. A segment only grows; what is deleted or
/// restricted later stands in the <see cref="SegmentView"/>. While it is the newest one its writer appends, and
/// readers of older views see the chunks below their count; afterwards it never changes.
/// </summary>
internal sealed class Segment(Analyzer analyzer)
{
    private readonly List<PostingList> _touched = [];
    private StoredChunk[] _chunks = new StoredChunk[4];
    private int[] _bodyLengths = new int[4];
    private int[] _titleLengths = new int[4];
    private int[] _headingsLengths = new int[4];
    private StoredDocument[] _documents = new StoredDocument[4];
    private FlatVectors? _vectors;

    public Analyzer Analyzer => analyzer;

    public TermTable Terms { get; } = new();

    /// <summary>Null while no chunk has a vector.</summary>
    public FlatVectors? Vectors => Volatile.Read(ref _vectors);

    public int ChunkCount { get; private set; }

    public int DocumentCount { get; private set; }

    /// <summary>The characters of text that the segment holds, for limits.</summary>
    public long TextLength { get; private set; }

    public StoredChunk[] Chunks => _chunks;

    public StoredDocument[] Documents => _documents;

    public Lengths Lengths => new(_bodyLengths, _titleLengths, _headingsLengths);

    /// <summary>Whether vectors of this many dimensions can live here.</summary>
    public bool Takes(int dimensions) => dimensions == 0 || Vectors is null || Vectors.Dimensions == dimensions;

    /// <summary>Appends a document with its chunks and gives its row.</summary>
    public int Add(ChunksIndexed added)
    {
        var document = new StoredDocument(
            added.Document, added.Version, added.Title, added.Metadata, added.Model, ChunkCount, added.Chunks.Count);
        foreach (var chunk in added.Chunks)
        {
            AddChunk(document, chunk);
        }

        return AddDocument(document);
    }

    public int AddDocument(StoredDocument document)
    {
        Grow(ref _documents, DocumentCount);
        _documents[DocumentCount] = document;
        return DocumentCount++;
    }

    /// <summary>Appends a chunk whose postings are added by themselves: when segments are read or merged.</summary>
    public void AddStored(in StoredChunk chunk, int body, int title, int headings, ReadOnlySpan<Half> vector, int dimensions)
    {
        AddVector(vector, dimensions);
        Append(chunk, body, title, headings);
    }

    private void AddChunk(StoredDocument document, Chunk chunk)
    {
        var body = Count(chunk.Text, Field.Body);
        var title = Count(document.Title, Field.Title);
        var headings = 0;
        foreach (var heading in chunk.Headings)
        {
            headings += Count(heading, Field.Headings);
        }

        foreach (var list in _touched)
        {
            list.Flush(ChunkCount);
        }

        _touched.Clear();
        foreach (var (key, value) in document.Metadata)
        {
            Terms.FindOrAdd(MetadataTerm.Of(key, value)).Append(ChunkCount, Frequencies.Of(0, 0, 0));
        }

        AddVector(chunk.Vector.Values, chunk.Vector.Dimensions);
        Append(new StoredChunk(document, chunk), body, title, headings);
        TextLength += chunk.Text.Length;
    }

    /// <summary>Adds the field's terms to those of the chunk at hand and gives its length.</summary>
    private int Count(string text, Field field)
    {
        var length = 0;
        var tokens = analyzer.Analyze(text);
        while (tokens.MoveNext())
        {
            var list = Terms.FindOrAdd(tokens.Term);
            if (list.CountOccurrence(field))
            {
                _touched.Add(list);
            }

            length += tokens.IsWhole ? 0 : 1;
        }

        return length;
    }

    private void AddVector(ReadOnlySpan<Half> vector, int dimensions)
    {
        if (_vectors is null && dimensions > 0)
        {
            var vectors = new FlatVectors(dimensions);
            for (var i = 0; i < ChunkCount; i++)
            {
                vectors.Append([]);
            }

            // Published only now: a reader must not meet fewer rows than its view has chunks.
            Volatile.Write(ref _vectors, vectors);
        }

        _vectors?.Append(vector);
    }

    private void Append(in StoredChunk chunk, int body, int title, int headings)
    {
        Grow(ref _chunks, ChunkCount);
        Grow(ref _bodyLengths, ChunkCount);
        Grow(ref _titleLengths, ChunkCount);
        Grow(ref _headingsLengths, ChunkCount);
        _chunks[ChunkCount] = chunk;
        _bodyLengths[ChunkCount] = body;
        _titleLengths[ChunkCount] = title;
        _headingsLengths[ChunkCount] = headings;
        ChunkCount++;
    }

    /// <summary>Views keep the array that they were made with, so a full one is copied, never resized in place.</summary>
    private static void Grow<T>(ref T[] array, int count)
    {
        if (count == array.Length)
        {
            Array.Resize(ref array, count * 2);
        }
    }
}

/// <summary>Metadata is found through postings like words; the control characters keep the two apart, for no analysed term has any.</summary>
internal static class MetadataTerm
{
    public const char Mark = '\u0001';

    public static string Of(string key, string value) => $"{Mark}{key}\0{value}";
}
