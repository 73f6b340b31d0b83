using RagCluster.Messages;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Fusion;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Queries;

namespace RagCluster.Actors.Search;

/// <summary>What the partitions found, put together into one ranking.</summary>
internal sealed class GatheredPassages
{
    /// <summary>Of a key, the most frequent values that a result shows.</summary>
    private const int MostFacetValues = 100;

    private readonly IReadOnlyList<PassagesFound> _found;
    private readonly TermStatistics _terms;
    private readonly SearchRequest _request;
    private readonly SearchOptions _options;
    private readonly IReadOnlyList<ScoredPassage> _lexical;
    private readonly IReadOnlyList<ScoredPassage> _vector;
    private readonly Dictionary<ChunkId, double> _factors;
    private List<(FusedParts Parts, double Score)> _ranked;
    private readonly Dictionary<ChunkId, (int FusedRank, double Score)> _reranked = [];
    private IReadOnlyList<ScoredPassage>? _best;

    /// <param name="terms">The statistics that the passages were found with.</param>
    public GatheredPassages(IReadOnlyList<PassagesFound> found, TermStatistics terms, SearchRequest request, SearchOptions options, int candidates)
    {
        (_found, _terms, _request, _options) = (found, terms, request, options);
        _lexical = ReciprocalRankFusion.Merge(found.Select(f => f.Lexical), candidates);
        _vector = ReciprocalRankFusion.Merge(found.Select(f => f.Vector), candidates);
        _factors = found.SelectMany(f => f.Factors ?? []).DistinctBy(factor => factor.Passage).ToDictionary(factor => factor.Passage, factor => factor.Factor);
        _ranked = [.. Fused()
            .Select(parts => (Parts: parts, Score: parts.Score * FactorOf(parts.Passage)))
            .OrderByDescending(entry => entry.Score)
            .ThenBy(entry => entry.Parts.Passage.Id, ChunkOrder.Instance)
            .Take(candidates)];
    }

    /// <summary>What is known of the candidates, but for weights; null where nothing but one ranking or ranks count.</summary>
    public EvidenceFusion? Evidence { get; private set; }

    public IReadOnlyList<ScoredPassage> Best() => _best ??= Pick();

    /// <summary>The best by what was fused, at most so many.</summary>
    public IReadOnlyList<Passage> First(int count) => [.. _ranked.Take(count).Select(entry => entry.Parts.Passage)];

    /// <summary>Puts the first passages into the order of these scores. Each place keeps its fused score, so that scores still fall from place to place.</summary>
    public void Reorder(IReadOnlyList<float> scores)
    {
        var order = Enumerable.Range(0, scores.Count).OrderByDescending(i => scores[i]).ThenBy(i => i).ToList();
        var places = _ranked.ConvertAll(entry => entry.Score);
        _ranked = [.. order.Select((from, to) => (_ranked[from].Parts, places[to])), .. _ranked.Skip(scores.Count)];
        for (var to = 0; to < order.Count; to++)
        {
            _reranked[_ranked[to].Parts.Passage.Id] = (order[to] + 1, scores[order[to]]);
        }

        _best = null;
    }

    public IReadOnlyList<ScoreExplanation> Explanations()
    {
        var parts = _ranked.ToDictionary(entry => entry.Parts.Passage.Id, entry => entry.Parts);
        var explained = _found.SelectMany(f => f.Explanations ?? []).DistinctBy(e => e.Passage).ToDictionary(e => e.Passage);
        var (lexicalRanks, vectorRanks) = (Ranks(_lexical), Ranks(_vector));
        return [.. Best().Select(passage => new ScoreExplanation(
            passage.Score,
            lexicalRanks.TryGetValue(passage.Passage.Id, out var byWords) ? byWords : null,
            vectorRanks.TryGetValue(passage.Passage.Id, out var byVector) ? byVector : null,
            parts[passage.Passage.Id].Lexical,
            parts[passage.Passage.Id].Vector,
            parts[passage.Passage.Id].Proximity,
            parts[passage.Passage.Id].Context,
            (_request.Mode == SearchMode.Hybrid ? _options.Fusion.ToString() : _request.Mode.ToString()).ToLowerInvariant(),
            FactorOf(passage.Passage),
            explained.TryGetValue(passage.Passage.Id, out var e) ? e : new PassageExplanation(passage.Passage.Id, 0, [], null))
        {
            FusedRank = _reranked.TryGetValue(passage.Passage.Id, out var r) ? r.FusedRank : null,
            Rerank = _reranked.TryGetValue(passage.Passage.Id, out r) ? r.Score : null,
        })];
    }

    public IReadOnlyDictionary<string, IReadOnlyList<FacetValue>> Facets()
    {
        var facets = new Dictionary<string, IReadOnlyList<FacetValue>>(StringComparer.Ordinal);
        foreach (var key in _request.Facets)
        {
            var counts = new Dictionary<string, long>(StringComparer.Ordinal);
            foreach (var value in _found.SelectMany(f => f.Facets is { } all && all.TryGetValue(key, out var values) ? values : []))
            {
                counts[value.Value] = counts.GetValueOrDefault(value.Value) + value.Count;
            }

            facets[key] = [.. counts.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal)
                .Take(MostFacetValues).Select(pair => new FacetValue(pair.Key, pair.Value))];
        }

        return facets;
    }

    private IEnumerable<FusedParts> Fused() => _request.Mode switch
    {
        SearchMode.Lexical => _lexical.DistinctBy(p => p.Passage.Id).Select(p => new FusedParts(p.Passage, p.Score, 0)),
        SearchMode.Vector => _vector.DistinctBy(p => p.Passage.Id).Select(p => new FusedParts(p.Passage, 0, p.Score)),
        _ when _options.Fusion == FusionMethod.Ranks => FusedByRank(),
        _ => (Evidence = ReadEvidence()).Parts(_options.Weights),
    };

    private EvidenceFusion ReadEvidence()
    {
        var (lexical, vector) = (_lexical, _vector);
        var scores = _found.SelectMany(f => f.Scores ?? []).DistinctBy(s => s.Passage).ToDictionary(s => s.Passage);
        var (byWords, byVector) = (Scores(lexical), Scores(vector));
        var words = _request.Syntax == QuerySyntax.Plain ? _request.Query : QueryReader.Read(_request.Query, _request.Syntax, _options.Analyzer).Text;
        return EvidenceFusion.Of(
            [.. lexical.Concat(vector).Select(p => p.Passage).DistinctBy(p => p.Id).Select(p => scores.TryGetValue(p.Id, out var known)
                ? new Candidate(p, known.Lexical, known.Cosine, known.Vector)
                : new Candidate(p, byWords.GetValueOrDefault(p.Id), byVector.TryGetValue(p.Id, out var cosine) ? cosine : null, null))],
            new QueryProximity(words, _terms, _options.Analyzer));
    }

    private static Dictionary<ChunkId, double> Scores(IReadOnlyList<ScoredPassage> ranking)
    {
        var scores = new Dictionary<ChunkId, double>();
        foreach (var (passage, score) in ranking)
        {
            scores.TryAdd(passage.Id, score);
        }

        return scores;
    }

    private IEnumerable<FusedParts> FusedByRank()
    {
        var (lexicalRanks, vectorRanks) = (Ranks(_lexical), Ranks(_vector));
        return _lexical.Concat(_vector).Select(p => p.Passage).DistinctBy(p => p.Id).Select(p => new FusedParts(
            p,
            ReciprocalRankFusion.Part(lexicalRanks.TryGetValue(p.Id, out var byWords) ? byWords : null, 1 - _options.Weights.Vector, _options.RankConstant),
            ReciprocalRankFusion.Part(vectorRanks.TryGetValue(p.Id, out var byVector) ? byVector : null, _options.Weights.Vector, _options.RankConstant)));
    }

    private IReadOnlyList<ScoredPassage> Pick()
    {
        IReadOnlyList<ScoredPassage> ranking = [.. _ranked.Select(entry => new ScoredPassage(entry.Parts.Passage, entry.Score))];
        if (_request.ByDocument)
        {
            ranking = DocumentRollUp.BestOfEach(ranking, ranking.Count);
        }

        return _request.Diversity > 0
            ? Mmr.Rerank(ranking, new TermOverlap(_options.Analyzer).Between, _request.K, 1 - Math.Min(_request.Diversity, 1))
            : [.. ranking.Take(_request.K)];
    }

    private double FactorOf(Passage passage) => _factors.TryGetValue(passage.Id, out var factor) ? factor : 1;

    private static Dictionary<ChunkId, int> Ranks(IReadOnlyList<ScoredPassage> ranking)
    {
        var ranks = new Dictionary<ChunkId, int>();
        for (var i = 0; i < ranking.Count; i++)
        {
            ranks.TryAdd(ranking[i].Passage.Id, i + 1);
        }

        return ranks;
    }
}
