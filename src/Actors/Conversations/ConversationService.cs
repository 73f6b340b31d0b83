using RagCluster.Kernel;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Identity;

namespace RagCluster.Actors.Conversations;

using Region = IRegion<ConversationCommand, ConversationEvent, ConversationReply>;

/// <summary>
/// Conversations as a gateway uses them. Every method acts for a principal; what is not theirs does not exist.
/// A reply has been made durable before it comes back.
/// </summary>
/// <remarks>
/// All may throw <see cref="EntityUnavailableException"/> (nothing happened, try later) and
/// <see cref="TimeoutException"/> (unknown; asking again with the same ids is safe).
/// </remarks>
public sealed class ConversationService(Region region, ConversationOptions options)
{
    public Features.Features Features { get; init; } = new();

    /// <summary>
    /// Asks a question: accepted, unchanged (asked before), or refused, as where the id is already that of another
    /// question. The sequence number is that of the question.
    /// </summary>
    public ValueTask<Committed<ConversationReply>> AskAsync(
        Principal principal, ConversationId conversation, QuestionId question, string text, CancellationToken cancellationToken = default)
    {
        RefuseWhereOff();
        if (text.Length > options.MaxQuestionChars)
        {
            return ValueTask.FromResult(new Committed<ConversationReply>(
                new Refused(RefusalCodes.Invalid, $"The question has {text.Length} characters; at most {options.MaxQuestionChars} are taken."), 0));
        }

        return SendAsync(principal, conversation, new Ask(question, text, principal), $"ask/{question.Value}/{StableHash.Of(text):x16}", cancellationToken);
    }

    /// <summary>Has an ended question answered again, as a new question with the given id.</summary>
    public ValueTask<Committed<ConversationReply>> RegenerateAsync(
        Principal principal, ConversationId conversation, QuestionId question, QuestionId of, CancellationToken cancellationToken = default)
    {
        RefuseWhereOff();
        return SendAsync(principal, conversation, new Regenerate(question, of, principal), $"ask/{question.Value}/of/{of.Value}", cancellationToken);
    }

    public ValueTask<Committed<ConversationReply>> CancelAsync(
        Principal principal, ConversationId conversation, QuestionId question, CancellationToken cancellationToken = default) =>
        SendAsync(principal, conversation, new Cancel(question, principal), null, cancellationToken);

    public ValueTask<Committed<ConversationReply>> GiveFeedbackAsync(
        Principal principal,
        ConversationId conversation,
        QuestionId question,
        Rating rating,
        string? comment,
        int? citation,
        CommandId? commandId,
        CancellationToken cancellationToken = default) =>
        SendAsync(principal, conversation, new GiveFeedback(question, rating, comment, citation, principal), commandId?.Value, cancellationToken);

    public ValueTask<Committed<ConversationReply>> RenameAsync(
        Principal principal, ConversationId conversation, string title, CancellationToken cancellationToken = default) =>
        SendAsync(principal, conversation, new Rename(title, principal), null, cancellationToken);

    /// <summary>A <see cref="ConversationView"/> as of the sequence number that comes with it, or refused.</summary>
    public ValueTask<Committed<ConversationReply>> ReadAsync(
        Principal principal, ConversationId conversation, CancellationToken cancellationToken = default) =>
        SendAsync(principal, conversation, new Read(principal), null, cancellationToken);

    /// <summary>
    /// The conversation's events after <paramref name="after"/>: those that were, then those to come. Null if there is
    /// no such conversation for this principal.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="after"/> is negative or beyond the conversation's history.</exception>
    public async ValueTask<IAsyncEnumerable<Recorded<ConversationEvent>>?> SubscribeAsync(
        Principal principal, ConversationId conversation, long after, CancellationToken cancellationToken = default)
    {
        var (reply, seq) = await ReadAsync(principal, conversation, cancellationToken);
        if (reply is not ConversationView)
        {
            return null;
        }

        ArgumentOutOfRangeException.ThrowIfNegative(after);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(after, seq);
        return region.SubscribeAsync(Id(principal.Tenant, conversation), after, cancellationToken);
    }

    /// <summary>Waits until the question has ended; null if there is no such question for this principal.</summary>
    public async ValueTask<(Turn Turn, long Seq)?> AnswerOfAsync(
        Principal principal, ConversationId conversation, QuestionId question, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            var (reply, seq) = await ReadAsync(principal, conversation, cancellationToken);
            if (reply is not ConversationView view || view.Turns.LastOrDefault(t => t.Question == question) is not { } turn)
            {
                return null;
            }

            if (turn.Status != TurnStatus.Open)
            {
                return (turn, seq);
            }

            await foreach (var (_, e) in region.SubscribeAsync(Id(principal.Tenant, conversation), seq, cancellationToken))
            {
                if (e is AnswerCompleted or AnswerFailed or AnswerCancelled)
                {
                    break;
                }
            }
        }
    }

    internal static EntityId Id(TenantId tenant, ConversationId conversation) => new($"{tenant.Value}/{conversation.Value}");

    private void RefuseWhereOff()
    {
        if (!Features.IsOn(Actors.Features.Features.Questions))
        {
            throw new EntityUnavailableException("Questions are not taken just now: an operator has switched them off for a while.");
        }
    }

    private ValueTask<Committed<ConversationReply>> SendAsync(
        Principal principal, ConversationId conversation, ConversationCommand command, string? commandId, CancellationToken cancellationToken) =>
        region.AskAsync(
            Id(principal.Tenant, conversation),
            command,
            // The user is part of the id: nobody is answered from the memory of somebody else's command.
            commandId is null ? null : new CommandId($"{principal.User.Value}/{commandId}"),
            options.AskTimeout,
            cancellationToken);
}
