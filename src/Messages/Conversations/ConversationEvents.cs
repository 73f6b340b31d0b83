using System.Text.Json.Serialization;
using RagCluster.Messages.Identity;

namespace RagCluster.Messages.Conversations;

/// <summary>
/// What happened in a conversation, as journaled and as its subscribers see it, in order, without gap or duplicate
/// (I4). The discriminators and property names are a frozen format: add, never change.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(ConversationStarted), "conversation-started")]
[JsonDerivedType(typeof(ConversationRenamed), "conversation-renamed")]
[JsonDerivedType(typeof(QuestionAsked), "question-asked")]
[JsonDerivedType(typeof(AnswerBegun), "answer-begun")]
[JsonDerivedType(typeof(SourcesFound), "sources-found")]
[JsonDerivedType(typeof(AnswerDelta), "answer-delta")]
[JsonDerivedType(typeof(AnswerRestarted), "answer-restarted")]
[JsonDerivedType(typeof(AnswerCompleted), "answer-completed")]
[JsonDerivedType(typeof(AnswerFailed), "answer-failed")]
[JsonDerivedType(typeof(AnswerCancelled), "answer-cancelled")]
[JsonDerivedType(typeof(FeedbackGiven), "feedback-given")]
public abstract record ConversationEvent
{
    /// <summary>When it was decided, by the deciding node's clock.</summary>
    public required DateTimeOffset At { get; init; }
}

public sealed record ConversationStarted(TenantId Tenant, UserId Owner, string Title) : ConversationEvent;

public sealed record ConversationRenamed(string Title) : ConversationEvent;

/// <param name="Of">The question that this one answers again, if it does.</param>
public sealed record QuestionAsked(QuestionId Question, string Text, Principal Asker, QuestionId? Of) : ConversationEvent;

/// <param name="Query">The question as searched for: rewritten to stand without the history.</param>
public sealed record AnswerBegun(QuestionId Question, string Query) : ConversationEvent;

public sealed record SourcesFound(QuestionId Question, IReadOnlyList<ScoredPassage> Sources) : ConversationEvent
{
    /// <summary>A part of the index did not answer in time; what it has is not among the sources.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Partial { get; init; }
}

/// <summary>A further piece of the answer's text. The pieces since the last restart, joined, are the answer so far.</summary>
public sealed record AnswerDelta(QuestionId Question, string Text) : ConversationEvent;

/// <summary>The text shown so far is void: the answer begins anew, because its author died.</summary>
public sealed record AnswerRestarted(QuestionId Question) : ConversationEvent;

/// <param name="Text">The whole answer; what counts from now on.</param>
/// <param name="Abstained">The documents do not answer the question, and the text says so.</param>
public sealed record AnswerCompleted(QuestionId Question, string Text, IReadOnlyList<Citation> Citations, bool Abstained, string Model) : ConversationEvent
{
    /// <summary>The sentences of <see cref="Text"/> that no passage supports; null where there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<UnsupportedSpan>? Unsupported { get; init; }
}

public sealed record AnswerFailed(QuestionId Question, string Code, string Detail) : ConversationEvent;

public sealed record AnswerCancelled(QuestionId Question, UserId By) : ConversationEvent;

public sealed record FeedbackGiven(QuestionId Question, Rating Rating, string? Comment, int? Citation, UserId By) : ConversationEvent;
