using System.Collections.Immutable;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Postings;
using RagCluster.Retrieval.Queries;
using RagCluster.Retrieval.Scoring;
using RagCluster.Retrieval.Segments;
using RagCluster.Retrieval.Vectors;
using RagCluster.Retrieval.Vectors.Graphs;

namespace RagCluster.Retrieval.Index;

/// <summary>A partition's index as it was at one moment. Immutable; any number of threads may search it.</summary>
public sealed partial class IndexReader
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

    public int SegmentCount => _views.Length;

    /// <summary>What terms, postings and positions take; of what is not packed yet, in memory.</summary>
    public long PostingsBytes => _views.Sum(view => view.Segment.Lexicon is PackedLexicon packed ? packed.Dictionary.Length + (long)packed.Postings.Length : view.Segment.Lexicon.Bytes);

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
    /// (<see cref="TermStatisticsExtensions.Sum"/>) and given to <see cref="Find(FindPassages)"/>.
    /// </summary>
    public TermStatistics Statistics(string query) => Statistics(new CountTerms(query));

    /// <inheritdoc cref="Statistics(string)"/>
    public TermStatistics Statistics(CountTerms count)
    {
        ArgumentNullException.ThrowIfNull(count);
        var (body, title, headings) = (0L, 0L, 0L);
        foreach (var view in _views)
        {
            body += view.TotalLength.Body;
            title += view.TotalLength.Title;
            headings += view.TotalLength.Headings;
        }

        var query = QueryReader.Read(count.Query, count.Syntax, _options.Analyzer);
        var frequencies = new Dictionary<string, long>(StringComparer.Ordinal);
        foreach (var term in query.AllTerms.Concat(count.Terms ?? []))
        {
            frequencies[term] = DocumentFrequency(term);
        }

        foreach (var pattern in query.AllPatterns)
        {
            var matching = _views.SelectMany(view => view.Segment.Lexicon.TermsWith(pattern.Prefix)).Where(pattern.Matches).Distinct(StringComparer.Ordinal)
                .Select(term => KeyValuePair.Create(term, DocumentFrequency(term)))
                .Where(pair => pair.Value > 0).ToList();
            foreach (var term in Expansions.MostFrequent(matching))
            {
                frequencies[term] = DocumentFrequency(term);
            }
        }

        var lengths = new Dictionary<string, long>(StringComparer.Ordinal)
        {
            [FieldNames.Body] = body,
            [FieldNames.Title] = title,
            [FieldNames.Headings] = headings,
        };
        return new TermStatistics(ChunkCount, lengths, frequencies);
    }

    /// <inheritdoc cref="Find(FindPassages)"/>
    public PassagesFound Find(string query, Embedding? vector, TermStatistics global, RoleSet roles, SearchFilter filter, int k) =>
        Find(new FindPassages(query, vector, global, roles, filter, k));

    /// <summary>
    /// The best passages by words (BM25F) and by vector (cosine), each best first, equal scores in the order of
    /// <see cref="ChunkOrder"/>. The ranking by vector is exact until there is a graph over the vectors (<see cref="Tend"/>),
    /// which may miss one now and then; scores are always exact. Only passages that the roles may read, the filter lets through and the query's demands
    /// allow take part in either ranking. A vector that is null, or has no direction, leaves the second one empty.
    /// With the statistics of all partitions searched, the merged rankings of the partitions are the ranking of one index.
    /// </summary>
    public PassagesFound Find(FindPassages find)
    {
        ArgumentNullException.ThrowIfNull(find);
        ArgumentOutOfRangeException.ThrowIfNegative(find.K);
        var query = QueryReader.Read(find.Query, find.Syntax, _options.Analyzer);
        var bm25 = Bm25.For(query, find.Expansion, find.Terms, _options.Bm25);
        var vector = VectorQuery.Of(find.Vector);
        var lexical = new TopK(find.K, _views);
        var similar = new TopK(find.K, _views);
        var parts = new List<(int View, VectorPart Part)>();
        var passing = new PassFilter(find.Roles, find.Filter, query.Constraint, find.Terms, ReaderSets, _documents);
        var facets = find.Facets is null ? null : new FacetCounter(find.Facets, bm25);
        for (var v = 0; v < _views.Length && (find.K > 0 || facets is not null); v++)
        {
            var view = _views[v];
            var allowed = passing.Allowed(view);
            if (allowed.Nothing)
            {
                continue;
            }

            facets?.Add(view, allowed.Bits);
            if (bm25.Terms.Count > 0 && find.K > 0)
            {
                LexicalSearch.Search(view, v, bm25, allowed.Bits, lexical);
            }

            if (vector is not null && find.K > 0 && view.Segment.VectorsOf(vector.Dimensions) is { } vectors)
            {
                parts.Add((v, new VectorPart(vectors, view.Count, allowed.Bits)));
            }
        }

        if (parts.Count > 0)
        {
            _graphs.Search(vector!, [.. parts.Select(part => part.Part)], find.K, (part, row, score) => similar.Offer(new Hit(score, parts[part].View, row)));
        }

        var (byWords, byVector) = (lexical.Ranked(), similar.Ranked());
        var hits = byWords.Concat(byVector).DistinctBy(hit => (hit.View, hit.Chunk));
        return new PassagesFound(Passages(byWords), Passages(byVector))
        {
            Scores = find.Scores ? [.. hits.Select(hit => ScoresOf(hit, bm25, vector))] : null,
            Explanations = find.Explain ? [.. hits.Select(hit => Explained(hit, bm25, vector))] : null,
            Factors = find.Boosts is { Count: > 0 } boosts ? [.. hits.Select(hit => FactorOf(hit, boosts)).Where(factor => factor.Factor != 1)] : null,
            Facets = facets?.Counts(),
        };
    }

    /// <summary>
    /// The passages up to <see cref="ReadNeighbours.Reach"/> before and behind those given, without these, none twice. Of a
    /// document that the roles may not read, or whose version is another one by now, there are none.
    /// </summary>
    public NeighboursRead Neighbours(ReadNeighbours read)
    {
        ArgumentNullException.ThrowIfNull(read);
        var passages = new List<Passage>();
        var seen = read.Passages.ToHashSet();
        foreach (var id in read.Passages)
        {
            if (!_documents.TryGetValue(id.Document, out var entry) || entry.Stored.Version != id.Version || !read.Roles.MayRead(entry.Readers))
            {
                continue;
            }

            var chunks = Array.Find(_views, v => v.Segment == entry.Segment)!.Chunks;
            for (var chunk = entry.Stored.First; chunk < entry.Stored.First + entry.Stored.Count; chunk++)
            {
                if (Math.Abs((long)chunks[chunk].Ordinal - id.Ordinal) <= read.Reach && seen.Add(chunks[chunk].Id))
                {
                    passages.Add(chunks[chunk].ToPassage());
                }
            }
        }

        return new NeighboursRead(passages);
    }

    /// <summary>Takes apart the scores that <see cref="Find(FindPassages)"/> gives the chunk; null where it is not indexed. It does not ask who may read.</summary>
    public PassageExplanation? Explain(ChunkId id, FindPassages find)
    {
        ArgumentNullException.ThrowIfNull(find);
        if (!_documents.TryGetValue(id.Document, out var entry) || entry.Stored.Version != id.Version)
        {
            return null;
        }

        var number = Array.FindIndex(_views, v => v.Segment == entry.Segment);
        for (var chunk = entry.Stored.First; chunk < entry.Stored.First + entry.Stored.Count; chunk++)
        {
            if (_views[number].Chunks[chunk].Ordinal == id.Ordinal)
            {
                var query = QueryReader.Read(find.Query, find.Syntax, _options.Analyzer);
                return Explained(new Hit(0, number, chunk), Bm25.For(query, find.Expansion, find.Terms, _options.Bm25), VectorQuery.Of(find.Vector));
            }
        }

        return null;
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

    private PassageExplanation Explained(Hit hit, Bm25 bm25, VectorQuery? vector)
    {
        var (view, chunk) = (_views[hit.View], hit.Chunk);
        var terms = new List<TermExplanation>();
        var total = 0f;
        foreach (var term in bm25.Terms)
        {
            if (view.Postings(term.Term)?.At(chunk)?.In(term.Field) is not { Bits: not 0 } frequencies)
            {
                continue;
            }

            var score = bm25.Score(term.Weight, frequencies, view.Lengths, chunk);
            var weighted = bm25.TermFrequency(frequencies, view.Lengths, chunk);
            total += score;
            terms.Add(new TermExplanation(
                Analyzer.Shown(term.Term),
                term.Count,
                term.DocumentFrequency,
                term.Idf,
                frequencies.Body,
                frequencies.Title,
                frequencies.Headings,
                weighted.Body + weighted.Title + weighted.Headings,
                score));
        }

        return new PassageExplanation(
            view.Chunks[chunk].Id, total, terms, vector is null ? null : view.Segment.VectorsOf(vector.Dimensions)?.Score(vector, chunk));
    }

    private PassageScores ScoresOf(Hit hit, Bm25 bm25, VectorQuery? vector)
    {
        var (view, chunk) = (_views[hit.View], hit.Chunk);
        var total = 0f;
        foreach (var term in bm25.Terms)
        {
            if (view.Postings(term.Term)?.At(chunk)?.In(term.Field) is { Bits: not 0 } frequencies)
            {
                total += bm25.Score(term.Weight, frequencies, view.Lengths, chunk);
            }
        }

        var vectors = vector is null ? null : view.Segment.VectorsOf(vector.Dimensions);
        var own = vectors is null ? [] : vectors[chunk];
        var scores = new PassageScores(view.Chunks[chunk].Id, total, vectors?.Score(vector!, chunk), own.IsEmpty ? null : Embedding.OfHalves(own));

        // The vectors lie outside the collected heap, and only their segment keeps them there.
        GC.KeepAlive(view.Segment);
        return scores;
    }

    private PassageFactor FactorOf(Hit hit, IReadOnlyList<Boost> boosts)
    {
        var chunk = _views[hit.View].Chunks[hit.Chunk];
        return new PassageFactor(chunk.Id, MetadataFilter.FactorOf(boosts, chunk.Document.Metadata));
    }

    private long DocumentFrequency(string term)
    {
        var frequency = 0L;
        foreach (var view in _views)
        {
            frequency += view.DocumentFrequency(term);
        }

        return frequency;
    }

    private List<ScoredPassage> Passages(IReadOnlyList<Hit> ranked)
    {
        var passages = new List<ScoredPassage>(ranked.Count);
        foreach (var hit in ranked)
        {
            passages.Add(new ScoredPassage(_views[hit.View].Chunks[hit.Chunk].ToPassage(), hit.Score));
        }

        return passages;
    }
}
