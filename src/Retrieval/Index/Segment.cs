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
    private FlatVectors[] _vectors = [];

    public Analyzer Analyzer => analyzer;

    public TermTable Terms { get; } = new();

    /// <summary>By number of dimensions; models differ in it, and while a corpus moves from one to another both are here.</summary>
    public IReadOnlyList<FlatVectors> Vectors => Volatile.Read(ref _vectors);

    public int ChunkCount { get; private set; }

    public int DocumentCount { get; private set; }

    /// <summary>The bytes of text that the segment holds.</summary>
    public long TextLength { get; private set; }

    public long PostingCount { get; private set; }

    /// <summary>The file that holds the segment's first so many chunks, once one was written or read.</summary>
    public SavedSegment? Saved { get; set; }

    /// <summary>Roughly what the segment takes in memory.</summary>
    public long Bytes => (PostingCount * 8) + (Terms.Count * 100L) + TextLength + Vectors.Sum(vectors => vectors.Bytes) + (ChunkCount * 80L);

    public StoredChunk[] Chunks => _chunks;

    public StoredDocument[] Documents => _documents;

    public Lengths Lengths => new(_bodyLengths, _titleLengths, _headingsLengths);

    /// <summary>Null where no chunk has a vector of this many dimensions.</summary>
    public FlatVectors? VectorsOf(int dimensions) => Array.Find(Volatile.Read(ref _vectors), vectors => vectors.Dimensions == dimensions);

    /// <summary>The chunk's vector; empty where it has none.</summary>
    public ReadOnlySpan<Half> VectorOf(int chunk)
    {
        foreach (var vectors in Volatile.Read(ref _vectors))
        {
            if (vectors[chunk] is { IsEmpty: false } vector)
            {
                return vector;
            }
        }

        return [];
    }

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

    /// <summary>Adds the postings of chunks that are here already.</summary>
    public void AddTerm(PostingList list)
    {
        var postings = list.Below(ChunkCount);
        foreach (var posting in postings)
        {
            var chunk = PostingList.ChunkOf(posting);
            list.Widen(PostingList.FrequenciesOf(posting), _bodyLengths[chunk], _titleLengths[chunk], _headingsLengths[chunk]);
        }

        Terms.Add(list);
        PostingCount += postings.Length;
    }

    /// <summary>Takes over a document of another segment, as it is stored there, but for its postings. Its row.</summary>
    public int AddCopy(StoredDocument document, SegmentView from)
    {
        var copy = document with { First = ChunkCount };
        for (var chunk = document.First; chunk < document.First + document.Count; chunk++)
        {
            AddStored(
                new StoredChunk(copy, from.Chunks[chunk]),
                from.Lengths.Body[chunk],
                from.Lengths.Title[chunk],
                from.Lengths.Headings[chunk],
                from.Segment.VectorOf(chunk));
        }

        return AddDocument(copy);
    }

    /// <summary>Takes over postings; <paramref name="numbers"/> gives a chunk's new number, rising with the old one, or -1 for one that is not taken.</summary>
    public void AddPostings(SegmentView from, ReadOnlySpan<int> numbers)
    {
        foreach (var list in from.Segment.Terms.All())
        {
            PostingList? own = null;
            foreach (var posting in list.Below(from.Count))
            {
                if (numbers[PostingList.ChunkOf(posting)] is var number and >= 0)
                {
                    own ??= Terms.FindOrAdd(list.Term);
                    own.Append(number, PostingList.FrequenciesOf(posting), _bodyLengths[number], _titleLengths[number], _headingsLengths[number]);
                    PostingCount++;
                }
            }
        }
    }

    /// <summary>Appends a chunk whose postings are added by themselves: when segments are read or rewritten.</summary>
    public void AddStored(in StoredChunk chunk, int body, int title, int headings, ReadOnlySpan<Half> vector)
    {
        AddVector(vector);
        Append(chunk, body, title, headings);
        TextLength += chunk.TextSize;
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
            list.Flush(ChunkCount, body, title, headings);
        }

        PostingCount += _touched.Count + document.Metadata.Count;
        _touched.Clear();
        foreach (var (key, value) in document.Metadata)
        {
            Terms.FindOrAdd(MetadataTerm.Of(key, value)).Append(ChunkCount, default, 0, 0, 0);
        }

        AddVector(chunk.Vector.Values);
        Append(new StoredChunk(document, chunk), body, title, headings);
        TextLength += chunk.Text.Length * 2;
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

    /// <summary>Gives the next chunk its vector. What has no dimension, or too many, is in no ranking.</summary>
    private void AddVector(ReadOnlySpan<Half> vector)
    {
        if (vector.Length is 0 or > VectorMath.MaxDimensions)
        {
            return;
        }

        var vectors = VectorsOf(vector.Length);
        if (vectors is null)
        {
            vectors = new FlatVectors(vector.Length);
            FlatVectors[] all = [.. _vectors, vectors];
            Volatile.Write(ref _vectors, all);
        }

        vectors.Set(ChunkCount, vector);
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

/// <param name="Chunks">How many of the segment's chunks the file holds.</param>
/// <param name="Documents">And of how many documents.</param>
internal sealed record SavedSegment(string Directory, int Chunks, int Documents, Segments.SegmentFile File);
