using System.Collections.Immutable;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Scoring;
using RagCluster.Retrieval.Segments;
using RagCluster.Retrieval.Vectors;
using RagCluster.Retrieval.Vectors.Graphs;

namespace RagCluster.Retrieval.Index;

/// <summary>A partition's index as it was at one moment. Immutable; any number of threads may search it.</summary>
public sealed class IndexReader
{
    private readonly IndexOptions _options;
    private readonly SegmentView[] _views;
    private readonly ImmutableDictionary<DocumentId, DocumentEntry> _documents;
    private readonly PartitionGraphs _graphs;

    internal IndexReader(IndexOptions options, SegmentView[] views, ImmutableDictionary<DocumentId, DocumentEntry> documents, RoleSet[] readerSets, PartitionGraphs graphs)
    {
        _graphs = graphs;
        _options = options;
        _views = views;
        _documents = documents;
        ReaderSets = readerSets;
    }

    public int DocumentCount => _documents.Count;

    public int ChunkCount => _views.Sum(view => view.LiveCount);

    /// <summary>The same chunks, scored by other parameters.</summary>
    public IndexReader With(Bm25Options bm25) => new(_options with { Bm25 = bm25 }, _views, _documents, ReaderSets, _graphs);

    /// <summary>Roughly what the index takes in memory.</summary>
    public long IndexBytes => _views.Sum(view => view.Segment.Bytes) + _graphs.Bytes;

    internal RoleSet[] ReaderSets { get; }

    internal PartitionGraphs Graphs => _graphs;

    internal IReadOnlyList<SegmentView> Views => _views;

    /// <summary>The version of a document that is indexed; null where there is none.</summary>
    public int? VersionOf(DocumentId document) => _documents.TryGetValue(document, out var entry) ? entry.Stored.Version : null;

    /// <summary>Who may find the document's chunks; null where it is not indexed.</summary>
    public RoleSet? ReadersOf(DocumentId document) => _documents.TryGetValue(document, out var entry) ? entry.Readers : null;

    /// <summary>
    /// How often the query's terms occur here, and how long fields are. Statistics of several partitions are added up
    /// (<see cref="TermStatisticsExtensions.Sum"/>) and given to <see cref="Find"/>.
    /// </summary>
    public TermStatistics Statistics(string query)
    {
        ArgumentNullException.ThrowIfNull(query);
        var (body, title, headings) = (0L, 0L, 0L);
        foreach (var view in _views)
        {
            body += view.TotalLength.Body;
            title += view.TotalLength.Title;
            headings += view.TotalLength.Headings;
        }

        var frequencies = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var (term, _) in _options.Analyzer.AnalyzeQuery(query))
        {
            frequencies[term] = _views.Sum(view => (long)view.DocumentFrequency(term));
        }

        var lengths = new Dictionary<string, long>(StringComparer.Ordinal)
        {
            [FieldNames.Body] = body,
            [FieldNames.Title] = title,
            [FieldNames.Headings] = headings,
        };
        return new TermStatistics(ChunkCount, lengths, frequencies);
    }

    /// <summary>
    /// The best <paramref name="k"/> passages by words (BM25F) and by vector (cosine), each best first, equal scores in
    /// the order of <see cref="ChunkOrder"/>. The ranking by vector is exact until there is a graph over the vectors
    /// (<see cref="Tend"/>), which may miss one now and then; scores are always exact. Only passages that <paramref name="roles"/> may read and the filter lets
    /// through take part in either ranking.
    /// </summary>
    /// <param name="vector">Null, or one without direction, leaves the second ranking empty.</param>
    /// <param name="global">The statistics of all partitions searched; with them, the merged rankings of the partitions are the ranking of one index.</param>
    public PassagesFound Find(string query, Embedding? vector, TermStatistics global, RoleSet roles, SearchFilter filter, int k)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentOutOfRangeException.ThrowIfNegative(k);
        var bm25 = Bm25.For(_options.Analyzer.AnalyzeQuery(query), global, _options.Bm25);
        var vectorQuery = VectorQuery.Of(vector);
        var lexical = new TopK(k, _views);
        var similar = new TopK(k, _views);
        var parts = new List<(int View, VectorPart Part)>();
        var passing = new PassFilter(roles, filter, ReaderSets, _documents);
        for (var v = 0; k > 0 && v < _views.Length; v++)
        {
            var view = _views[v];
            var allowed = passing.Allowed(view);
            if (allowed.Nothing)
            {
                continue;
            }

            if (bm25.Terms.Count > 0)
            {
                LexicalSearch.Search(view, v, bm25, allowed.Bits, lexical);
            }

            if (vectorQuery is not null && view.Segment.VectorsOf(vectorQuery.Dimensions) is { } vectors)
            {
                parts.Add((v, new VectorPart(vectors, view.Count, allowed.Bits)));
            }
        }

        if (vectorQuery is not null)
        {
            _graphs.Search(vectorQuery, [.. parts.Select(part => part.Part)], k, (part, row, score) => similar.Offer(new Hit(score, parts[part].View, row)));
        }

        return new PassagesFound(Passages(lexical), Passages(similar));
    }

    /// <summary>Takes apart the scores that <see cref="Find"/> gives the chunk; null where it is not indexed. It does not ask who may read.</summary>
    public ScoreExplanation? Explain(ChunkId id, string query, Embedding? vector, TermStatistics global)
    {
        if (!_documents.TryGetValue(id.Document, out var entry) || entry.Stored.Version != id.Version)
        {
            return null;
        }

        var view = Array.Find(_views, v => v.Segment == entry.Segment);
        var chunk = -1;
        for (var i = 0; view is not null && i < entry.Stored.Count; i++)
        {
            chunk = view.Chunks[entry.Stored.First + i].Ordinal == id.Ordinal ? entry.Stored.First + i : chunk;
        }

        if (view is null || chunk < 0)
        {
            return null;
        }

        var bm25 = Bm25.For(_options.Analyzer.AnalyzeQuery(query), global, _options.Bm25);
        var contributions = new List<TermContribution>();
        var total = 0f;
        foreach (var term in bm25.Terms)
        {
            if (view.Postings(term.Term)?.At(chunk) is not { } frequencies)
            {
                continue;
            }

            var score = bm25.Score(term.Weight, frequencies, view.Lengths, chunk);
            total += score;
            contributions.Add(new TermContribution(
                term.Term,
                term.Count,
                term.DocumentFrequency,
                term.Idf,
                new PerField<int>(frequencies.Body, frequencies.Title, frequencies.Headings),
                bm25.TermFrequency(frequencies, view.Lengths, chunk),
                score));
        }

        var vectorQuery = VectorQuery.Of(vector);
        var cosine = vectorQuery is null ? null : view.Segment.VectorsOf(vectorQuery.Dimensions)?.Score(vectorQuery, chunk);
        return new ScoreExplanation(id, total, contributions, cosine);
    }

    /// <summary>
    /// Brings the graphs over the vectors up to this snapshot; until then, what is new is scanned. It takes about a third
    /// of a millisecond for each new vector beyond the first <see cref="VectorGraphOptions.From"/>, beside searches and
    /// writing.
    /// </summary>
    /// <exception cref="OperationCanceledException">What was done until then holds.</exception>
    public void Tend(CancellationToken cancellationToken) => _graphs.Tend(_views, cancellationToken);

    /// <summary>
    /// Writes this snapshot as files and names them. Files that an earlier save wrote and that still hold are named
    /// again instead of written again. Nothing that another manifest names is touched; searching and writing go on.
    /// </summary>
    public SegmentManifest Save(string directory)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        var rows = Array.ConvertAll(_views, view => new DocumentEntry?[view.DocumentCount]);
        var places = _views.Select((view, i) => (view.Segment, i)).ToDictionary(pair => pair.Segment, pair => pair.i);
        foreach (var entry in _documents.Values)
        {
            rows[places[entry.Segment]][entry.Row] = entry;
        }

        var manifest = SegmentStore.Save(directory, _options.Analyzer, _views, rows);
        return _graphs.Save(directory, _views) is { Count: > 0 } graphs ? manifest with { Graphs = graphs } : manifest;
    }

    private List<ScoredPassage> Passages(TopK top)
    {
        var passages = new List<ScoredPassage>();
        foreach (var hit in top.Ranked())
        {
            passages.Add(new ScoredPassage(_views[hit.View].Chunks[hit.Chunk].ToPassage(), hit.Score));
        }

        return passages;
    }
}
