using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Fusion;
using RagCluster.Retrieval.Queries;

namespace RagCluster.Actors.Search;

/// <summary>What is searched for, by whom, and what the result is to be like.</summary>
public sealed record SearchRequest(Principal Principal, string Query)
{
    public SearchFilter Filter { get; init; } = SearchFilter.None;

    public SearchMode Mode { get; init; }

    /// <summary>How many passages.</summary>
    public int K { get; init; } = 10;

    /// <summary>Questions are plain; where people look for passages, operators help.</summary>
    public QuerySyntax Syntax { get; init; }

    /// <summary>Takes every score apart.</summary>
    public bool Explain { get; init; }

    /// <summary>Gives what is known of the candidates of a hybrid search, for whoever tries other weights.</summary>
    public bool WithEvidence { get; init; }

    /// <summary>Adds words of the best passages to the query (RM3); null does not.</summary>
    public FeedbackOptions? Feedback { get; init; }

    /// <summary>Keys of metadata whose values are counted among what is found.</summary>
    public IReadOnlyList<string> Facets { get; init; } = [];

    /// <summary>What makes documents count for more or for less, once the rankings are one.</summary>
    public IReadOnlyList<Boost> Boosts { get; init; } = [];

    /// <summary>How much passages that say the same are kept apart, from 0, not at all, to 1, at any price (MMR).</summary>
    public double Diversity { get; init; }

    /// <summary>
    /// How many passages before and how many behind each of the best come with them, for readers to whom a passage alone says
    /// too little. They are in <see cref="SearchResult.InContext"/>, in the order of their document, with its score.
    /// </summary>
    public int Neighbours { get; init; }

    /// <summary>Shows each document by its best passage alone.</summary>
    public bool ByDocument { get; init; }
}

/// <param name="Passages">Best first, no two the same.</param>
/// <param name="Partitions">How many partitions the tenant has.</param>
/// <param name="Answered">How many of them are in this result; fewer make it partial.</param>
public sealed record SearchResult(IReadOnlyList<ScoredPassage> Passages, int Partitions, int Answered)
{
    public bool IsPartial => Answered < Partitions;

    /// <summary>The passages with their neighbours; null where none were asked for.</summary>
    public IReadOnlyList<ScoredPassage>? InContext { get; init; }

    /// <summary>Why the passages are in their fused order although there is a re-ranker; null where it did its work, or there is none.</summary>
    public string? RerankFailure { get; init; }

    /// <summary>Of all candidates; null where it was not asked for, or nothing but ranks counts.</summary>
    public EvidenceFusion? Evidence { get; init; }

    /// <summary>One for each passage, in their order; null where none was asked for.</summary>
    public IReadOnlyList<ScoreExplanation>? Explanations { get; init; }

    /// <summary>By key the values, the most frequent first; null where none was asked for.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<FacetValue>>? Facets { get; init; }
}

/// <summary>A passage's score taken apart: the sum of its four parts times <see cref="Boost"/>.</summary>
/// <param name="LexicalRank">Its rank by words, from 1; null where it is not among the candidates by words.</param>
/// <param name="VectorRank">The same by vector.</param>
/// <param name="LexicalPart">What the ranking by words adds to the fused score.</param>
/// <param name="VectorPart">What the ranking by vector adds.</param>
/// <param name="ProximityPart">What the nearness of the query's words in it adds.</param>
/// <param name="ContextPart">What the scores of similar passages and of those next to it add.</param>
/// <param name="Fusion">How the two became one: scores, ranks, lexical or vector.</param>
/// <param name="Boost">What boosts multiply the score by.</param>
/// <param name="Parts">The two scores themselves, and what the one by words is made of.</param>
public sealed record ScoreExplanation(
    double Score, int? LexicalRank, int? VectorRank, double LexicalPart, double VectorPart, double ProximityPart, double ContextPart, string Fusion, double Boost, PassageExplanation Parts)
{
    /// <summary>Its rank, from 1, before it was re-ranked; null where it was not. <see cref="Score"/> is then that of the passage which had its place, and parts do not add up to it.</summary>
    public int? FusedRank { get; init; }

    /// <summary>The re-ranker's score, on the model's own scale.</summary>
    public double? Rerank { get; init; }
}
