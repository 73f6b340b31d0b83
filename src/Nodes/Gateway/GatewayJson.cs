using System.Text.Json;
using System.Text.Json.Serialization;
using RagCluster.Actors.Catalog;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Nodes.Gateway.Search;

namespace RagCluster.Nodes.Gateway;

/// <param name="Open">No token is needed here, and roles may be chosen freely among these.</param>
public sealed record MeBody(TenantId Tenant, UserId User, RoleSet Roles, bool Open);

public sealed record DocumentAcceptedBody(DocumentId Id, int Version, DocumentStatus Status, bool Changed);

public sealed record UploadedBody(IReadOnlyList<DocumentAcceptedBody> Documents);

public sealed record ReadersBody(RoleSet? Readers);

public sealed record TextBody(DocumentId Id, int Version, string Title, int? Pages, string Text);

public sealed record HighlightBody(int Start, int End);

/// <param name="Highlights">The matched words, as offsets into <paramref name="Text"/>.</param>
public sealed record PassageBody(
    DocumentId Document,
    int Version,
    int Ordinal,
    int Start,
    int End,
    int? Page,
    string Title,
    IReadOnlyList<string> Headings,
    string Text,
    double Score,
    IReadOnlyList<HighlightBody> Highlights)
{
    /// <summary>What the score is made of, where that was asked for.</summary>
    public ExplanationBody? Explanation { get; init; }
}

/// <summary>(lexicalPart + vectorPart + proximityPart + contextPart) * boost is the passage's score.</summary>
/// <param name="Fusion">How the two parts were made: "scores" and "ranks" of both rankings, "lexical" and "vector" are the score itself.</param>
/// <param name="Lexical">The score by words: the sum of the terms'.</param>
/// <param name="LexicalRank">The rank by words, from 1; missing where the passage is not among the candidates.</param>
/// <param name="Cosine">The similarity of the vectors.</param>
public sealed record ExplanationBody(
    string Fusion,
    double Lexical,
    int? LexicalRank,
    double LexicalPart,
    double? Cosine,
    int? VectorRank,
    double VectorPart,
    double ProximityPart,
    double ContextPart,
    double Boost,
    int? FusedRank,
    double? Rerank,
    IReadOnlyList<TermExplanation> Terms);

public sealed record FacetBody(string Key, IReadOnlyList<FacetValue> Values);

/// <param name="Partial">Some partitions did not answer in time; their passages are missing.</param>
public sealed record SearchBody(string Query, double TookMs, bool Partial, IReadOnlyList<PassageBody> Passages)
{
    /// <summary>In the order in which they were asked for.</summary>
    public IReadOnlyList<FacetBody>? Facets { get; init; }

    /// <summary>Why the passages are not re-ranked although a re-ranker is configured; missing where all is well.</summary>
    public string? RerankFailure { get; init; }
}

public sealed record ConversationsBody(IReadOnlyList<ConversationRow> Conversations);

public sealed record ConversationBody(ConversationId Id, string Title, DateTimeOffset StartedAt, long Seq, IReadOnlyList<Turn> Turns);

public sealed record RenameBody(string? Title);

public sealed record MessageBody(QuestionId? Id, string? Text, QuestionId? RegenerateOf, bool? Wait);

public sealed record MessageAcceptedBody(QuestionId Id, ConversationId Conversation, long Seq);

public sealed record AnswerBody(QuestionId Id, ConversationId Conversation, long Seq, Turn Answer);

public sealed record FeedbackBody(QuestionId? Question, Rating? Rating, string? Comment, int? Citation);

public sealed record SeqBody(long Seq);

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(MeBody))]
[JsonSerializable(typeof(DocumentAcceptedBody))]
[JsonSerializable(typeof(UploadedBody))]
[JsonSerializable(typeof(DocumentPage))]
[JsonSerializable(typeof(DocumentRow))]
[JsonSerializable(typeof(DocumentEvent))]
[JsonSerializable(typeof(ReadersBody))]
[JsonSerializable(typeof(TextBody))]
[JsonSerializable(typeof(SearchBody))]
[JsonSerializable(typeof(EmbeddingStateBody))]
[JsonSerializable(typeof(ConversationsBody))]
[JsonSerializable(typeof(ConversationBody))]
[JsonSerializable(typeof(RenameBody))]
[JsonSerializable(typeof(MessageBody))]
[JsonSerializable(typeof(MessageAcceptedBody))]
[JsonSerializable(typeof(AnswerBody))]
[JsonSerializable(typeof(FeedbackBody))]
[JsonSerializable(typeof(SeqBody))]
[JsonSerializable(typeof(Microsoft.AspNetCore.Mvc.ProblemDetails))]
internal sealed partial class GatewayJson : JsonSerializerContext;
