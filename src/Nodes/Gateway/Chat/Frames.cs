using System.Text.Json;
using System.Text.Json.Serialization;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;

namespace RagCluster.Nodes.Gateway.Chat;

/// <summary>What a chat client sends, one JSON object per text frame.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(AskFrame), "ask")]
[JsonDerivedType(typeof(ResumeFrame), "resume")]
[JsonDerivedType(typeof(CancelFrame), "cancel")]
[JsonDerivedType(typeof(FeedbackFrame), "feedback")]
[JsonDerivedType(typeof(PingFrame), "ping")]
public abstract record ClientFrame;

/// <param name="Id">The question's id, chosen by the client; sent again after a lost connection, it is the same question.</param>
/// <param name="Conversation">Left out, a new conversation begins; its id comes with <see cref="AcceptedFrame"/>.</param>
/// <param name="RegenerateOf">Answers this ended question again; <paramref name="Text"/> is then left out.</param>
public sealed record AskFrame(QuestionId? Id, ConversationId? Conversation, string? Text, QuestionId? RegenerateOf) : ClientFrame;

/// <param name="After">The last sequence number seen; 0 for everything.</param>
public sealed record ResumeFrame(ConversationId? Conversation, long After) : ClientFrame;

public sealed record CancelFrame(QuestionId? Id, ConversationId? Conversation) : ClientFrame;

public sealed record FeedbackFrame(ConversationId? Conversation, QuestionId? Question, Rating? Rating, string? Comment, int? Citation) : ClientFrame;

public sealed record PingFrame : ClientFrame;

/// <summary>
/// What the server sends. Frames with a <c>seq</c> are the conversation's events, each exactly once and in order:
/// the sequence numbers of one conversation on one connection have no gap, counting <see cref="AcceptedFrame"/> as
/// the event of the question that it accepts.
/// </summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(AcceptedFrame), "accepted")]
[JsonDerivedType(typeof(StartedFrame), "started")]
[JsonDerivedType(typeof(RenamedFrame), "renamed")]
[JsonDerivedType(typeof(QuestionFrame), "question")]
[JsonDerivedType(typeof(BegunFrame), "begun")]
[JsonDerivedType(typeof(SourcesFrame), "sources")]
[JsonDerivedType(typeof(DeltaFrame), "delta")]
[JsonDerivedType(typeof(RestartedFrame), "restarted")]
[JsonDerivedType(typeof(CompletedFrame), "completed")]
[JsonDerivedType(typeof(FailedFrame), "failed")]
[JsonDerivedType(typeof(CancelledFrame), "cancelled")]
[JsonDerivedType(typeof(FeedbackGivenFrame), "feedback")]
[JsonDerivedType(typeof(ResumedFrame), "resumed")]
[JsonDerivedType(typeof(ErrorFrame), "error")]
[JsonDerivedType(typeof(HeartbeatFrame), "heartbeat")]
[JsonDerivedType(typeof(PongFrame), "pong")]
[JsonDerivedType(typeof(ByeFrame), "bye")]
public abstract record ServerFrame;

/// <summary>The question is durable and will be answered, whatever happens to this connection or node.</summary>
public sealed record AcceptedFrame(QuestionId Id, ConversationId Conversation, long Seq) : ServerFrame;

public sealed record StartedFrame(ConversationId Conversation, long Seq, string Title, DateTimeOffset At) : ServerFrame;

public sealed record RenamedFrame(ConversationId Conversation, long Seq, string Title) : ServerFrame;

public sealed record QuestionFrame(ConversationId Conversation, long Seq, QuestionId Id, string Text, QuestionId? RegenerateOf, DateTimeOffset At) : ServerFrame;

public sealed record BegunFrame(ConversationId Conversation, long Seq, QuestionId Id, string Query) : ServerFrame;

public sealed record SourcesFrame(ConversationId Conversation, long Seq, QuestionId Id, IReadOnlyList<SourceBody> Passages) : ServerFrame
{
    /// <summary>A part of the index did not answer in time: there may be more.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Partial { get; init; }
}

public sealed record DeltaFrame(ConversationId Conversation, long Seq, QuestionId Id, string Text) : ServerFrame;

/// <summary>A passage that the answer is written from; offsets into the version's extracted text, in UTF-16 code units.</summary>
public sealed record SourceBody(
    DocumentId Document, int Version, int Ordinal, int Start, int End, int? Page, string Title, IReadOnlyList<string> Headings, string Text, double Score)
{
    public static SourceBody Of(ScoredPassage scored)
    {
        var p = scored.Passage;
        return new SourceBody(p.Document, p.Version, p.Ordinal, p.Start, p.End, p.Page, p.Title, p.Headings, p.Text, scored.Score);
    }
}

/// <summary>The text shown so far is void; it begins anew.</summary>
public sealed record RestartedFrame(ConversationId Conversation, long Seq, QuestionId Id) : ServerFrame;

public sealed record CompletedFrame(
    ConversationId Conversation, long Seq, QuestionId Id, string Text, IReadOnlyList<Citation> Citations, bool Abstained, string Model) : ServerFrame
{
    /// <summary>The sentences of the text that no passage supports; left out where there is none.</summary>
    public IReadOnlyList<UnsupportedSpan>? Unsupported { get; init; }
}

public sealed record FailedFrame(ConversationId Conversation, long Seq, QuestionId Id, string Code, string Detail) : ServerFrame;

public sealed record CancelledFrame(ConversationId Conversation, long Seq, QuestionId Id) : ServerFrame;

public sealed record FeedbackGivenFrame(ConversationId Conversation, long Seq, QuestionId Question, Rating Rating, int? Citation) : ServerFrame;

/// <summary>The connection follows the conversation from here on.</summary>
/// <param name="After">The sequence number after which its events follow.</param>
public sealed record ResumedFrame(ConversationId Conversation, long After) : ServerFrame;

/// <param name="Code">"malformed", "invalid", "not-found", "busy", "unavailable", "timeout" or "too-many".</param>
/// <param name="Id">The question that it is about, where there is one.</param>
public sealed record ErrorFrame(string Code, string Detail, QuestionId? Id = null, ConversationId? Conversation = null) : ServerFrame;

public sealed record HeartbeatFrame(DateTimeOffset At) : ServerFrame;

public sealed record PongFrame(DateTimeOffset At) : ServerFrame;

/// <summary>The last frame of a node that is about to stop: connect again, to whichever node answers, and resume.</summary>
/// <param name="RetryAfterMs">How long to wait before; a little by chance, so that not all come at once.</param>
public sealed record ByeFrame(string Detail, int RetryAfterMs) : ServerFrame;

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(ClientFrame))]
[JsonSerializable(typeof(ServerFrame))]
internal sealed partial class FramesJson : JsonSerializerContext;

internal static class FrameMapping
{
    /// <summary>The frame that shows an event.</summary>
    public static ServerFrame ToFrame(ConversationId conversation, long seq, ConversationEvent @event) => @event switch
    {
        ConversationStarted e => new StartedFrame(conversation, seq, e.Title, e.At),
        ConversationRenamed e => new RenamedFrame(conversation, seq, e.Title),
        QuestionAsked e => new QuestionFrame(conversation, seq, e.Question, e.Text, e.Of, e.At),
        AnswerBegun e => new BegunFrame(conversation, seq, e.Question, e.Query),
        SourcesFound e => new SourcesFrame(conversation, seq, e.Question, [.. e.Sources.Select(SourceBody.Of)]) { Partial = e.Partial },
        AnswerDelta e => new DeltaFrame(conversation, seq, e.Question, e.Text),
        AnswerRestarted e => new RestartedFrame(conversation, seq, e.Question),
        AnswerCompleted e => new CompletedFrame(conversation, seq, e.Question, e.Text, e.Citations, e.Abstained, e.Model) { Unsupported = e.Unsupported },
        AnswerFailed e => new FailedFrame(conversation, seq, e.Question, e.Code, e.Detail),
        AnswerCancelled e => new CancelledFrame(conversation, seq, e.Question),
        FeedbackGiven e => new FeedbackGivenFrame(conversation, seq, e.Question, e.Rating, e.Citation),
        _ => throw new System.Diagnostics.UnreachableException($"No frame shows {@event.GetType().Name}."),
    };
}
