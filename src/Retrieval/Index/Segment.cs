using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Postings;
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
    private Lexicon _lexicon = new GrowingLexicon(analyzer);
    private StoredChunk[] _chunks = new StoredChunk[4];
    private int[] _bodyLengths = new int[4];
    private int[] _titleLengths = new int[4];
    private int[] _headingsLengths = new int[4];
    private StoredDocument[] _documents = new StoredDocument[4];
    private FlatVectors[] _vectors = [];
    private bool _closed;

    public Analyzer Analyzer => analyzer;

    /// <summary>The chunks' terms; while the segment grows an open set of them, and packed ones once it is sealed.</summary>
    public Lexicon Lexicon => Volatile.Read(ref _lexicon);

    /// <summary>Whether its terms are packed; nothing can be added then.</summary>
    public bool IsSealed => Lexicon is PackedLexicon;

    /// <summary>Whether nothing is added any more: its terms may be packed, or soon will be.</summary>
    public bool IsClosed => _closed || IsSealed;

    /// <summary>By number of dimensions; models differ in it, and while a corpus moves from one to another both are here.</summary>
    public IReadOnlyList<FlatVectors> Vectors => Volatile.Read(ref _vectors);

    public int ChunkCount { get; private set; }

    public int DocumentCount { get; private set; }

    /// <summary>The bytes of text that the segment holds.</summary>
    public long TextLength { get; private set; }

    /// <summary>The file that holds the segment's first so many chunks, once one was written or read.</summary>
    public SavedSegment? Saved { get; set; }

    /// <summary>Roughly what the segment takes in memory.</summary>
    public long Bytes => Lexicon.Bytes + TextLength + Vectors.Sum(vectors => vectors.Bytes) + (ChunkCount * 80L);

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

    /// <summary>From now on nothing is added. Only the writer's thread may say so.</summary>
    public void Close() => _closed = true;

    /// <summary>The terms of a closed segment, packed, to be given to <see cref="Seal(PackedLexicon)"/>. Any thread may ask.</summary>
    public PackedLexicon Packed() => Lexicon switch
    {
        PackedLexicon packed => packed,
        GrowingLexicon growing => growing.Pack(ChunkCount, Lengths),
        _ => throw new InvalidOperationException("A segment has a lexicon of an unknown kind."),
    };

    /// <summary>Packs what grew. Readers of any snapshot find in the one what they would have in the other.</summary>
    public void Seal()
    {
        Close();
        Seal(Packed());
    }

    /// <summary>Gives the chunks, which are all here, their terms.</summary>
    public void Seal(PackedLexicon lexicon) => Volatile.Write(ref _lexicon, lexicon);

    /// <summary>The terms of the chunks of a view, packed.</summary>
    public static PackedLexicon PackedOf(SegmentView view) => view.Segment.Lexicon switch
    {
        PackedLexicon packed when packed.ChunkCount == view.Count => packed,
        PackedLexicon packed => LexiconMerger.Merge([(packed, NumbersBelow(view.Count, packed.ChunkCount))], view.Count, view.Lengths),
        GrowingLexicon growing => growing.Pack(view.Count, view.Lengths),
        _ => throw new InvalidOperationException("A segment has a lexicon of an unknown kind."),
    };

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

        // The vectors lie outside the collected heap, and only their segment keeps them there.
        GC.KeepAlive(from.Segment);
        return AddDocument(copy);
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
        var (body, title, headings) = ((GrowingLexicon)_lexicon).Add(ChunkCount, chunk.Text, document.Title, chunk.Headings, document.Metadata);
        AddVector(chunk.Vector.Values);
        Append(new StoredChunk(document, chunk), body, title, headings);
        TextLength += chunk.Text.Length * 2;
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

    /// <summary>Numbers that stay as they are below <paramref name="count"/>, and end there.</summary>
    private static int[] NumbersBelow(int count, int total)
    {
        var numbers = new int[total];
        for (var i = 0; i < total; i++)
        {
            numbers[i] = i < count ? i : -1;
        }

        return numbers;
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
