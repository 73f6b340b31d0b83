using System.Collections.Immutable;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Identity;

namespace RagCluster.Actors.Conversations;

/// <summary>What a conversation knows: its owner and its questions, oldest first.</summary>
public sealed record ConversationState
{
    /// <summary>Null until the first question.</summary>
    public Principal? Owner { get; init; }

    public string Title { get; init; } = "";

    public DateTimeOffset StartedAt { get; init; }

    public ImmutableList<QuestionState> Questions { get; init; } = [];

    /// <summary>Only the owner reads or writes a conversation; to anybody else it does not exist.</summary>
    public bool BelongsTo(Principal principal) =>
        Owner is not null && Owner.Tenant == principal.Tenant && Owner.User == principal.User;

    public QuestionState? Find(QuestionId id) => Questions.FindLast(q => q.Id == id);

    /// <summary>The question to answer now: they are answered one after the other, in the order asked.</summary>
    public QuestionState? NextOpen() => Questions.Find(q => q.IsOpen);

    public ConversationState With(QuestionId id, Func<QuestionState, QuestionState> change)
    {
        var index = Questions.FindLastIndex(q => q.Id == id);
        return index < 0
            ? throw new InvalidOperationException($"The history speaks of question {id}, which was never asked.")
            : this with { Questions = Questions.SetItem(index, change(Questions[index])) };
    }
}

/// <summary>A question and what became of it so far.</summary>
public sealed record QuestionState
{
    public required QuestionId Id { get; init; }

    public required string Text { get; init; }

    /// <summary>With the roles held when it was asked: the answer is found with these.</summary>
    public required Principal Asker { get; init; }

    public required DateTimeOffset AskedAt { get; init; }

    public TurnStatus Status { get; init; } = TurnStatus.Open;

    /// <summary>What has been shown of an answer that is not complete.</summary>
    public ImmutableList<string> Shown { get; init; } = [];

    public string Answer { get; init; } = "";

    public ImmutableList<Citation> Citations { get; init; } = [];

    public bool Abstained { get; init; }

    /// <summary>The sentences of the answer that no passage supports.</summary>
    public ImmutableList<UnsupportedSpan> Unsupported { get; init; } = [];

    /// <summary>A part of the index did not answer when the answer's sources were searched.</summary>
    public bool Partial { get; init; }

    public string? Failure { get; init; }

    public Rating? Rating { get; init; }

    public bool IsOpen => Status == TurnStatus.Open;

    public Turn ToTurn() =>
        new(Id, Text, AskedAt, Status, IsOpen ? string.Concat(Shown) : Answer, Citations, Abstained, Failure, Rating)
        {
            Partial = Partial,
            Unsupported = Unsupported.IsEmpty ? null : Unsupported,
        };
}
