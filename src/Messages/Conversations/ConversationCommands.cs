using System.Text.Json.Serialization;
using RagCluster.Messages.Identity;

namespace RagCluster.Messages.Conversations;

/// <summary>What can be asked of a conversation. The first group comes from clients, the second from its own answering.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Ask), "ask")]
[JsonDerivedType(typeof(Regenerate), "regenerate")]
[JsonDerivedType(typeof(Cancel), "cancel")]
[JsonDerivedType(typeof(GiveFeedback), "feedback")]
[JsonDerivedType(typeof(Rename), "rename")]
[JsonDerivedType(typeof(Read), "read")]
[JsonDerivedType(typeof(BeginAnswer), "begin-answer")]
[JsonDerivedType(typeof(RecordSources), "record-sources")]
[JsonDerivedType(typeof(AppendDelta), "append-delta")]
[JsonDerivedType(typeof(CompleteAnswer), "complete-answer")]
[JsonDerivedType(typeof(FailAnswer), "fail-answer")]
public abstract record ConversationCommand;

/// <summary>Asks a question; starts the conversation if it is new. Asked again with the same id, it is the same question.</summary>
public sealed record Ask(QuestionId Question, string Text, Principal Asker) : ConversationCommand;

/// <summary>Answers an ended question again, as a new question with the same text.</summary>
public sealed record Regenerate(QuestionId Question, QuestionId Of, Principal Asker) : ConversationCommand;

/// <summary>Stops a question that has not ended. Cancelling an ended one changes nothing.</summary>
public sealed record Cancel(QuestionId Question, Principal By) : ConversationCommand;

/// <summary>What a reader thought of an answer, as a whole or of one of its citations.</summary>
public sealed record GiveFeedback(QuestionId Question, Rating Rating, string? Comment, int? Citation, Principal By) : ConversationCommand;

/// <summary>Gives the conversation another title.</summary>
public sealed record Rename(string Title, Principal By) : ConversationCommand;

/// <summary>Reads the conversation as it stands; changes nothing.</summary>
public sealed record Read(Principal By) : ConversationCommand;

/// <summary>
/// The answering of a question begins. If text was already shown (the owner died in mid-answer), the conversation
/// records that the answer starts over.
/// </summary>
public sealed record BeginAnswer(QuestionId Question, string Query) : ConversationCommand;

/// <param name="Partial">A part of the index did not answer in time; what it has is not among the sources.</param>
public sealed record RecordSources(QuestionId Question, IReadOnlyList<ScoredPassage> Sources, bool Partial = false) : ConversationCommand;

public sealed record AppendDelta(QuestionId Question, string Text) : ConversationCommand;

public sealed record CompleteAnswer(QuestionId Question, string Text, IReadOnlyList<Citation> Citations, bool Abstained, string Model) : ConversationCommand
{
    /// <summary>The sentences of <see cref="Text"/> that no passage supports; null where there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<UnsupportedSpan>? Unsupported { get; init; }
}

/// <summary>A sentence of an answer that cites nothing, or nothing that has to do with it: UTF-16 offsets into the answer's text, end exclusive.</summary>
public sealed record UnsupportedSpan(int Start, int End);

public sealed record FailAnswer(QuestionId Question, string Code, string Detail) : ConversationCommand;

[JsonConverter(typeof(JsonStringEnumConverter<Rating>))]
public enum Rating
{
    [JsonStringEnumMemberName("up")] Up,
    [JsonStringEnumMemberName("down")] Down,
}

/// <summary>A conversation's answer to a command. The sequence number that goes with it is the journal's.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(Accepted), "accepted")]
[JsonDerivedType(typeof(Unchanged), "unchanged")]
[JsonDerivedType(typeof(Refused), "refused")]
[JsonDerivedType(typeof(ConversationView), "view")]
public abstract record ConversationReply;

/// <summary>The command took effect and is durable.</summary>
public sealed record Accepted : ConversationReply
{
    public static Accepted Instance { get; } = new();
}

/// <summary>The command was right and there was nothing to do: what it asks for is already so.</summary>
public sealed record Unchanged : ConversationReply
{
    public static Unchanged Instance { get; } = new();
}

/// <summary>The command cannot be carried out; nothing changed.</summary>
/// <param name="Code">One of <see cref="RefusalCodes"/>.</param>
/// <param name="Detail">What happened and what to do, for a person.</param>
public sealed record Refused(string Code, string Detail) : ConversationReply;

public static class RefusalCodes
{
    /// <summary>There is no such thing, or not for this principal: the two look the same.</summary>
    public const string NotFound = "not-found";

    public const string Invalid = "invalid";

    /// <summary>Too many questions are open in this conversation.</summary>
    public const string Busy = "busy";
}

/// <summary>A conversation as a reader sees it.</summary>
public sealed record ConversationView(string Title, DateTimeOffset StartedAt, IReadOnlyList<Turn> Turns) : ConversationReply;

/// <summary>A question and what became of it.</summary>
public sealed record Turn(
    QuestionId Question,
    string Text,
    DateTimeOffset AskedAt,
    TurnStatus Status,
    string Answer,
    IReadOnlyList<Citation> Citations,
    bool Abstained,
    string? Failure,
    Rating? Rating)
{
    /// <summary>A part of the index did not answer when the answer's sources were searched: there may be more.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Partial { get; init; }

    /// <summary>The sentences of <see cref="Answer"/> that no passage supports; null where there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<UnsupportedSpan>? Unsupported { get; init; }
}

[JsonConverter(typeof(JsonStringEnumConverter<TurnStatus>))]
public enum TurnStatus
{
    [JsonStringEnumMemberName("open")] Open,
    [JsonStringEnumMemberName("completed")] Completed,
    [JsonStringEnumMemberName("failed")] Failed,
    [JsonStringEnumMemberName("cancelled")] Cancelled,
}
