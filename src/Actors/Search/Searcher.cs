using Microsoft.Extensions.Logging;
using RagCluster.Actors.Inference;
using RagCluster.Actors.Partitions;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Fusion;
using RagCluster.Retrieval.Index;

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
    /// <summary>The sum of both scores, each divided by its ranking's best: better than ranks with the embedded embedder.</summary>
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

    /// <summary>The share of the vector ranking in the fused score, from 0 to 1.</summary>
    public double VectorWeight { get; init; } = ScoreFusion.DefaultVectorWeight;

    /// <summary>A partition that has not answered by then is left out, and the result says so.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a question waits, after its first search, while no partition answers at all.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(60);
}

/// <param name="Passages">Best first, no two the same.</param>
/// <param name="Partitions">How many partitions the tenant has.</param>
/// <param name="Answered">How many of them are in this result; fewer make it partial.</param>
public sealed record SearchResult(IReadOnlyList<ScoredPassage> Passages, int Partitions, int Answered)
{
    public bool IsPartial => Answered < Partitions;
}

/// <summary>
/// Searches a tenant's partitions. In two rounds, because a term's weight depends on how rare it is in all of them:
/// first every partition counts the terms, then each ranks with the sums. So the result is that of one big index.
/// Partitions may be on other nodes; one that does not answer, for whatever reason, is left out, and the result says so.
/// </summary>
public sealed partial class Searcher(PartitionDirectory partitions, IEmbedder embedder, SearchOptions options, ILogger<Searcher> log)
{
    /// <summary>The best <paramref name="k"/> passages that the principal may read at this moment (I7).</summary>
    /// <exception cref="RagCluster.Inference.InferenceException">The query could not be embedded.</exception>
    /// <exception cref="EntityUnavailableException">No partition answered in time.</exception>
    public async Task<SearchResult> SearchAsync(
        Principal principal, string query, SearchFilter filter, SearchMode mode, int k, CancellationToken cancellationToken)
    {
        var all = partitions.All(principal.Tenant);
        var embedding = mode == SearchMode.Lexical ? null : EmbedAsync(query, cancellationToken);

        var counted = await ScatterAsync<TermStatistics>(all, new CountTerms(query), cancellationToken);
        var terms = counted.Select(c => c.Reply).Sum();
        var vector = embedding is null ? null : await embedding;

        var candidates = Math.Max(k, options.Candidates);
        var found = await ScatterAsync<PassagesFound>(
            [.. counted.Select(c => c.Partition)],
            new FindPassages(query, vector, terms, principal.Roles, filter, candidates),
            cancellationToken);
        var passages = Fuse(found, mode, candidates).Take(k).ToList();
        return new SearchResult(passages, all.Count, found.Count);
    }

    private async Task<Embedding?> EmbedAsync(string query, CancellationToken cancellationToken) =>
        (await embedder.EmbedAsync([query], EmbeddingPriority.Interactive, cancellationToken))[0];

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

    private IEnumerable<ScoredPassage> Fuse(IReadOnlyList<(EntityId Partition, PassagesFound Reply)> found, SearchMode mode, int candidates)
    {
        var lexical = ReciprocalRankFusion.Merge([.. found.Select(f => f.Reply.Lexical)], candidates);
        var vector = ReciprocalRankFusion.Merge([.. found.Select(f => f.Reply.Vector)], candidates);
        return mode switch
        {
            SearchMode.Lexical => lexical,
            SearchMode.Vector => vector,
            _ when options.Fusion == FusionMethod.Ranks =>
                ReciprocalRankFusion.Fuse([new Ranking(lexical, 1 - options.VectorWeight), new Ranking(vector, options.VectorWeight)], candidates, options.RankConstant),
            _ => ScoreFusion.Fuse(lexical, vector, candidates, options.VectorWeight),
        };
    }

    [LoggerMessage(6301, LogLevel.Debug, "Partition {Partition} did not give {What} and is left out of a search. {Reason}")]
    private static partial void LogPartitionLeftOut(ILogger log, string partition, string what, string reason);
}
