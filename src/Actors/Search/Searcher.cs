using Microsoft.Extensions.Logging;
using RagCluster.Actors.Inference;
using RagCluster.Actors.Partitions;
using RagCluster.Inference;
using RagCluster.Inference.Reranking;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Fusion;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Queries;

namespace RagCluster.Actors.Search;

/// <summary>Which rankings a search uses.</summary>
public enum SearchMode
{
    Hybrid,
    Lexical,
    Vector,
}

/// <summary>How the two rankings of a hybrid search become one.</summary>
public enum FusionMethod
{
    /// <summary>The weighted sum of both scores, of how near the query's words stand, and of what similar and adjacent passages have (<see cref="EvidenceFusion"/>).</summary>
    Scores,

    /// <summary>Reciprocal rank fusion (Cormack, Clarke and Büttcher, 2009): looks at ranks alone, so any two rankings fit.</summary>
    Ranks,
}

/// <summary>How searches are done.</summary>
public sealed record SearchOptions
{
    /// <summary>How many of each ranking are gathered before they are fused.</summary>
    public int Candidates { get; init; } = 60;

    /// <summary>How many passages an answer is written from.</summary>
    public int Passages { get; init; } = 8;

    public FusionMethod Fusion { get; init; } = FusionMethod.Scores;

    /// <summary>The constant k of <see cref="FusionMethod.Ranks"/>.</summary>
    public int RankConstant { get; init; } = ReciprocalRankFusion.DefaultK;

    /// <summary>How words are read, in the index and in queries; another one has the index built anew.</summary>
    public Analyzer Analyzer { get; init; } = Analyzer.Auto;

    /// <summary>What each kind of evidence counts; <see cref="FusionMethod.Ranks"/> uses the vector's alone.</summary>
    public FusionWeights Weights { get; init; } = FusionWeights.Default;

    /// <summary>How many passages before and how many behind each go with it into an answer's prompt.</summary>
    public int Neighbours { get; init; }

    /// <summary>How many tokens those neighbours may have together; the best passages' come first.</summary>
    public int NeighbourTokens { get; init; } = 1500;

    /// <summary>How many of the best a re-ranker looks at, where there is one.</summary>
    public int RerankCandidates { get; init; } = 20;

    /// <summary>How long it may take; afterwards the fused order stands.</summary>
    public TimeSpan RerankDeadline { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A partition that has not answered by then is left out, and the result says so.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a question waits, after its first search, while no partition answers at all.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);
}

/// <summary>
/// Searches a tenant's partitions. In two rounds, because a term's weight depends on how rare it is in all of them:
/// first every partition counts the terms, then each ranks with the sums. So the result is that of one big index.
/// Partitions may be on other nodes; one that does not answer, for whatever reason, is left out, and the result says so.
/// </summary>
public sealed partial class Searcher(
    PartitionDirectory partitions,
    IEmbedder embedder,
    SearchOptions options,
    ILogger<Searcher> log,
    IReranker? reranker = null,
    IReadOnlyList<IEmbedder>? former = null)
{
    private readonly Neighbourhood _neighbourhood = new(partitions, options, log);

    public Features.Features Features { get; init; } = new();

    /// <summary>The clock that searches are timed with, for the metrics; null: they are not.</summary>
    public TimeProvider? Time { get; init; }

    /// <inheritdoc cref="SearchAsync(SearchRequest, CancellationToken)"/>
    public Task<SearchResult> SearchAsync(
        Principal principal, string query, SearchFilter filter, SearchMode mode, int k, CancellationToken cancellationToken) =>
        SearchAsync(new SearchRequest(principal, query) { Filter = filter, Mode = mode, K = k }, cancellationToken);

    /// <summary>The best passages that the principal may read at this moment (I7).</summary>
    /// <exception cref="RagCluster.Inference.InferenceException">The query could not be embedded.</exception>
    /// <exception cref="EntityUnavailableException">No partition answered in time.</exception>
    public async Task<SearchResult> SearchAsync(SearchRequest request, CancellationToken cancellationToken)
    {
        if (Time is null)
        {
            return await FindAsync(request, cancellationToken);
        }

        var started = Time.GetTimestamp();
        bool? complete = null;
        try
        {
            var result = await FindAsync(request, cancellationToken);
            complete = !result.IsPartial;
            return result;
        }
        finally
        {
            ActorMetrics.Searched(Time.GetElapsedTime(started), complete);
        }
    }

    private async Task<SearchResult> FindAsync(SearchRequest request, CancellationToken cancellationToken)
    {
        var all = partitions.All(request.Principal.Tenant);
        var read = QueryReader.Read(request.Query, request.Syntax, options.Analyzer);
        var words = request.Syntax == QuerySyntax.Plain ? request.Query : read.Text;
        var lexical = request.Mode == SearchMode.Lexical || (request.Mode == SearchMode.Hybrid && !Features.IsOn(Actors.Features.Features.Vectors));
        var embedding = lexical || string.IsNullOrWhiteSpace(words) ? null : EmbedAsync(words, request.Principal.Tenant, cancellationToken);

        var count = new CountTerms(request.Query) { Syntax = request.Syntax };
        var counted = await ScatterAsync<TermStatistics>(all, count, cancellationToken);
        var find = new FindPassages(
            request.Query, null, counted.Select(c => c.Reply).Sum(), request.Principal.Roles, request.Filter, Math.Max(request.K, options.Candidates))
        {
            Syntax = request.Syntax,
        };
        IReadOnlyList<EntityId> answering = [.. counted.Select(c => c.Partition)];
        if (request.Feedback is { } feedback && request.Mode != SearchMode.Vector)
        {
            (find, answering) = await ExpandAsync(find, answering, read, feedback, cancellationToken);
        }

        var vector = embedding is null ? null : await embedding;
        find = find with
        {
            Vector = vector,
            VectorModel = vector is null ? null : Current(vector),
            OtherVectors = vector is null ? null : await OthersAsync(words, Current(vector), counted.Select(c => c.Reply.Model), cancellationToken),
            Explain = request.Explain,
            Scores = request.Mode == SearchMode.Hybrid && options.Fusion == FusionMethod.Scores,
            Boosts = request.Boosts.Count > 0 ? request.Boosts : null,
            Facets = request.Facets.Count > 0 ? request.Facets : null,
        };
        var found = await ScatterAsync<PassagesFound>(answering, find, cancellationToken);
        var gathered = new GatheredPassages([.. found.Select(f => f.Reply)], find.Terms, request, options, find.K);
        var failure = reranker is not null && request.Mode == SearchMode.Hybrid && words.Length > 0
            ? await RerankAsync(new Reranking(reranker, options, Time, log), words, gathered, cancellationToken)
            : null;
        var best = gathered.Best();
        return new SearchResult(best, all.Count, found.Count)
        {
            InContext = request.Neighbours > 0 ? await _neighbourhood.ExtendAsync(request.Principal, best, request.Neighbours, cancellationToken) : null,
            RerankFailure = failure,
            Evidence = request.WithEvidence ? gathered.Evidence : null,
            Explanations = request.Explain ? gathered.Explanations() : null,
            Facets = request.Facets.Count > 0 ? gathered.Facets() : null,
        };
    }

    /// <summary>Puts the best of what was gathered into the re-ranker's order; why that failed, or null.</summary>
    private static async Task<string?> RerankAsync(Reranking reranking, string words, GatheredPassages gathered, CancellationToken cancellationToken)
    {
        var first = gathered.First(reranking.Candidates);
        if (first.Count < 2)
        {
            return null;
        }

        var (scores, failure) = await reranking.ScoreAsync(words, first, cancellationToken);
        if (scores is not null)
        {
            gathered.Reorder(scores);
        }

        return failure;
    }

    /// <summary>Puts into the search what words of a first one's best passages weigh (RM3).</summary>
    private async Task<(FindPassages Find, IReadOnlyList<EntityId> Answering)> ExpandAsync(
        FindPassages find, IReadOnlyList<EntityId> answering, Query query, FeedbackOptions feedback, CancellationToken cancellationToken)
    {
        var first = await ScatterAsync<PassagesFound>(answering, find with { K = feedback.Passages }, cancellationToken);
        var best = ReciprocalRankFusion.Merge([.. first.Select(f => f.Reply.Lexical)], feedback.Passages);
        var candidates = RelevanceModel.Candidates(best, feedback, analyzer: options.Analyzer);
        var count = new CountTerms(find.Query) { Syntax = find.Syntax, Terms = [.. candidates.Select(candidate => candidate.Term)] };
        var counted = await ScatterAsync<TermStatistics>([.. first.Select(f => f.Partition)], count, cancellationToken);
        var terms = counted.Select(c => c.Reply).Sum();
        return (find with { Terms = terms, Expansion = RelevanceModel.Expand(query, candidates, terms, feedback) }, [.. counted.Select(c => c.Partition)]);
    }

    private async Task<Embedding?> EmbedAsync(string query, TenantId tenant, CancellationToken cancellationToken) =>
        (await embedder.EmbedAsync([query], EmbeddingPriority.Interactive, tenant, cancellationToken))[0];

    private EmbeddingModel Current(Embedding vector) => new(embedder.Model, vector.Dimensions);

    /// <summary>
    /// The query by models that partitions still search by while they are embedded anew, as far as such a model can be
    /// asked; where it cannot, those partitions search by words alone. Scores by different models are merged as they are.
    /// </summary>
    private async Task<IReadOnlyList<QueryVector>?> OthersAsync(
        string query, EmbeddingModel current, IEnumerable<EmbeddingModel?> models, CancellationToken cancellationToken)
    {
        List<QueryVector>? others = null;
        foreach (var model in models.OfType<EmbeddingModel>().Distinct().Where(model => !model.IsComparableTo(current)))
        {
            if (former?.FirstOrDefault(f => new EmbeddingModel(f.Model, f.Dimensions).IsComparableTo(model)) is { } asked)
            {
                try
                {
                    (others ??= []).Add(new QueryVector(model, (await asked.EmbedAsync([query], EmbeddingPriority.Interactive, cancellationToken))[0]));
                }
                catch (InferenceException e)
                {
                    LogFormerFailed(log, model.ToString(), e.Message);
                }
            }
        }

        return others;
    }

    /// <summary>Asks all at once; those that do not answer within the deadline are left out.</summary>
    private async Task<IReadOnlyList<(EntityId Partition, T Reply)>> ScatterAsync<T>(
        IReadOnlyList<EntityId> targets, PartitionCommand command, CancellationToken cancellationToken)
        where T : PartitionReply
    {
        var asks = targets.Select(async target =>
        {
            try
            {
                var (reply, _) = await partitions.Region.AskAsync(target, command, null, options.Deadline, cancellationToken);
                return (Partition: target, Reply: reply as T);
            }
            catch (Exception e) when (e is TimeoutException or EntityUnavailableException or EntityFailedException or CommandFailedException)
            {
                LogPartitionLeftOut(log, target.Value, typeof(T).Name, e.Message);
                return (Partition: target, Reply: null);
            }
        }).ToList();

        var answered = new List<(EntityId, T)>(asks.Count);
        foreach (var ask in asks)
        {
            var (partition, reply) = await ask;
            if (reply is not null)
            {
                answered.Add((partition, reply));
            }
        }

        return answered.Count > 0
            ? answered
            : throw new EntityUnavailableException($"No index partition answered within {options.Deadline.TotalSeconds:0.#} s.");
    }

    [LoggerMessage(6211, LogLevel.Warning, "The former embedding model {Model} does not answer: partitions that still have its vectors are searched by words alone. {Reason}")]
    private static partial void LogFormerFailed(ILogger log, string model, string reason);

    [LoggerMessage(6301, LogLevel.Debug, "Partition {Partition} did not give {What} and is left out of a search. {Reason}")]
    private static partial void LogPartitionLeftOut(ILogger log, string partition, string what, string reason);
}
