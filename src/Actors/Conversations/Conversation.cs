using System.Collections.Immutable;
using System.Diagnostics;
using RagCluster.Kernel.Entities;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Identity;

namespace RagCluster.Actors.Conversations;

/// <summary>
/// The decisions of a conversation. A question goes
/// <code>
/// asked -> begun -> (sources, deltas)* -> completed | failed | cancelled
///            ^            |
///            +- restarted +   the author died after showing text
/// </code>
/// and every question reaches one of the three ends (I5): until then the conversation has open work.
/// </summary>
public sealed class Conversation : IEntity<ConversationState, ConversationCommand, ConversationEvent, ConversationReply>
{
    /// <summary>A last bound; the gateway's own limit is configured and smaller.</summary>
    public const int MaxQuestionLength = 65_536;

    public const int MaxOpenQuestions = 8;

    public const int MaxTitleLength = 120;

    public const int MaxCommentLength = 4_000;

    private static readonly Refused Missing = new(RefusalCodes.NotFound, "There is no such conversation.");

    public static string Type => "conversation";

    public static ConversationState Initial(EntityId id) => new();

    public static bool HasOpenWork(ConversationState state) => state.NextOpen() is not null;

    public static Decision<ConversationEvent, ConversationReply> Decide(ConversationState state, ConversationCommand command, DateTimeOffset now) =>
        command switch
        {
            Ask c => DecideAsk(state, c, now),
            Regenerate c => DecideRegenerate(state, c, now),
            Cancel c => IfOwned(state, c.By, () => DecideCancel(state, c, now)),
            GiveFeedback c => IfOwned(state, c.By, () => DecideFeedback(state, c, now)),
            Rename c => IfOwned(state, c.By, () => DecideRename(state, c, now)),
            Read c => IfOwned(state, c.By, () => Reply(View(state))),
            BeginAnswer c => IfOpen(state, c.Question, q => q.Shown.IsEmpty
                ? Accept(new AnswerBegun(c.Question, c.Query) { At = now })
                : Accept(new AnswerRestarted(c.Question) { At = now }, new AnswerBegun(c.Question, c.Query) { At = now })),
            RecordSources c => IfOpen(state, c.Question, _ => Accept(new SourcesFound(c.Question, c.Sources) { At = now, Partial = c.Partial })),
            AppendDelta c => IfOpen(state, c.Question, _ => Accept(new AnswerDelta(c.Question, c.Text) { At = now })),
            CompleteAnswer c => IfOpen(state, c.Question, _ =>
                Accept(new AnswerCompleted(c.Question, c.Text, c.Citations, c.Abstained, c.Model) { At = now, Unsupported = c.Unsupported })),
            FailAnswer c => IfOpen(state, c.Question, _ => Accept(new AnswerFailed(c.Question, c.Code, c.Detail) { At = now })),
            _ => throw new UnreachableException($"Undecided command {command.GetType().Name}."),
        };

    public static ConversationState Evolve(ConversationState state, ConversationEvent @event) =>
        @event switch
        {
            ConversationStarted e => state with
            {
                Owner = new Principal(e.Tenant, e.Owner, RoleSet.Empty),
                Title = e.Title,
                StartedAt = e.At,
            },
            ConversationRenamed e => state with { Title = e.Title },
            QuestionAsked e => state with
            {
                Questions = state.Questions.Add(new QuestionState { Id = e.Question, Text = e.Text, Asker = e.Asker, AskedAt = e.At }),
            },
            AnswerBegun => state,
            SourcesFound e => state.Find(e.Question) is { } q && q.Partial != e.Partial ? state.With(e.Question, q => q with { Partial = e.Partial }) : state,
            AnswerDelta e => state.With(e.Question, q => q with { Shown = q.Shown.Add(e.Text) }),
            AnswerRestarted e => state.With(e.Question, q => q with { Shown = [] }),
            AnswerCompleted e => state.With(e.Question, q => q with
            {
                Status = TurnStatus.Completed,
                Shown = [],
                Answer = e.Text,
                Citations = [.. e.Citations],
                Abstained = e.Abstained,
                Unsupported = e.Unsupported is { Count: > 0 } unsupported ? [.. unsupported] : [],
            }),
            AnswerFailed e => state.With(e.Question, q => q with
            {
                Status = TurnStatus.Failed,
                Answer = string.Concat(q.Shown),
                Shown = [],
                Failure = e.Detail,
            }),
            AnswerCancelled e => state.With(e.Question, q => q with
            {
                Status = TurnStatus.Cancelled,
                Answer = string.Concat(q.Shown),
                Shown = [],
            }),
            FeedbackGiven e => state.With(e.Question, q => e.Citation is null ? q with { Rating = e.Rating } : q),
            _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}: history is never skipped."),
        };

    private static Decision<ConversationEvent, ConversationReply> DecideAsk(ConversationState state, Ask command, DateTimeOffset now)
    {
        if (state.Owner is not null && !state.BelongsTo(command.Asker))
        {
            return Reply(Missing);
        }

        if (state.Find(command.Question) is { } known)
        {
            return known.Text == command.Text
                ? Reply(Unchanged.Instance)
                : Refuse("The question's id is already that of another question; choose a new one.");
        }

        if (string.IsNullOrWhiteSpace(command.Text))
        {
            return Refuse("The question is empty.");
        }

        if (command.Text.Length > MaxQuestionLength)
        {
            return Refuse($"The question has {command.Text.Length} characters; at most {MaxQuestionLength} are taken.");
        }

        if (state.Questions.Count(q => q.IsOpen) >= MaxOpenQuestions)
        {
            return Reply(new Refused(RefusalCodes.Busy, $"{MaxOpenQuestions} questions of this conversation wait for their answers; ask again when one is answered."));
        }

        var asked = new QuestionAsked(command.Question, command.Text, command.Asker, null) { At = now };
        return state.Owner is null
            ? Accept(new ConversationStarted(command.Asker.Tenant, command.Asker.User, Clip(command.Text, MaxTitleLength)) { At = now }, asked)
            : Accept(asked);
    }

    private static Decision<ConversationEvent, ConversationReply> DecideRegenerate(ConversationState state, Regenerate command, DateTimeOffset now)
    {
        if (!state.BelongsTo(command.Asker))
        {
            return Reply(Missing);
        }

        if (state.Find(command.Question) is not null)
        {
            return Reply(Unchanged.Instance);
        }

        return state.Find(command.Of) switch
        {
            null => Reply(new Refused(RefusalCodes.NotFound, "There is no such question in this conversation.")),
            { IsOpen: true } => Reply(new Refused(RefusalCodes.Busy, "The question is still being answered; cancel it first.")),
            { } original => Accept(new QuestionAsked(command.Question, original.Text, command.Asker, command.Of) { At = now }),
        };
    }

    private static Decision<ConversationEvent, ConversationReply> DecideCancel(ConversationState state, Cancel command, DateTimeOffset now) =>
        state.Find(command.Question) switch
        {
            null => Reply(new Refused(RefusalCodes.NotFound, "There is no such question in this conversation.")),
            { IsOpen: true } => Accept(new AnswerCancelled(command.Question, command.By.User) { At = now }),
            _ => Reply(Unchanged.Instance),
        };

    private static Decision<ConversationEvent, ConversationReply> DecideFeedback(ConversationState state, GiveFeedback command, DateTimeOffset now)
    {
        if (state.Find(command.Question) is not { } question)
        {
            return Reply(new Refused(RefusalCodes.NotFound, "There is no such question in this conversation."));
        }

        if (command.Citation is { } n && !question.Citations.Exists(c => c.N == n))
        {
            return Refuse($"The answer has no citation [{n}].");
        }

        var comment = string.IsNullOrWhiteSpace(command.Comment) ? null : Clip(command.Comment, MaxCommentLength);
        return Accept(new FeedbackGiven(command.Question, command.Rating, comment, command.Citation, command.By.User) { At = now });
    }

    private static Decision<ConversationEvent, ConversationReply> DecideRename(ConversationState state, Rename command, DateTimeOffset now)
    {
        if (string.IsNullOrWhiteSpace(command.Title))
        {
            return Refuse("The title is empty.");
        }

        var title = Clip(command.Title, MaxTitleLength);
        return title == state.Title ? Reply(Unchanged.Instance) : Accept(new ConversationRenamed(title) { At = now });
    }

    private static ConversationView View(ConversationState state) =>
        new(state.Title, state.StartedAt, [.. state.Questions.Select(q => q.ToTurn())]);

    private static Decision<ConversationEvent, ConversationReply> IfOwned(
        ConversationState state, Principal principal, Func<Decision<ConversationEvent, ConversationReply>> decide) =>
        state.BelongsTo(principal) ? decide() : Reply(Missing);

    /// <summary>The answer of a question that has ended meanwhile (cancelled, say) changes nothing; its author hears so and stops.</summary>
    private static Decision<ConversationEvent, ConversationReply> IfOpen(
        ConversationState state, Messages.QuestionId id, Func<QuestionState, Decision<ConversationEvent, ConversationReply>> decide) =>
        state.Find(id) is { IsOpen: true } question ? decide(question) : Reply(Unchanged.Instance);

    private static Decision<ConversationEvent, ConversationReply> Accept(params ConversationEvent[] events) => new(events, Accepted.Instance);

    private static Decision<ConversationEvent, ConversationReply> Refuse(string detail) => Reply(new Refused(RefusalCodes.Invalid, detail));

    private static Decision<ConversationEvent, ConversationReply> Reply(ConversationReply reply) => new([], reply);

    /// <summary>The first line of the text, cut at the length without halving a surrogate pair.</summary>
    private static string Clip(string text, int length)
    {
        text = text.Trim();
        var line = text.AsSpan().IndexOfAny('\r', '\n');
        if (length <= MaxTitleLength && line >= 0)
        {
            text = text[..line];
        }

        if (text.Length <= length)
        {
            return text;
        }

        return text[..(char.IsHighSurrogate(text[length - 1]) ? length - 1 : length)];
    }
}
