using System.Runtime.CompilerServices;
using System.Threading.Channels;
using RagCluster.Actors.Conversations;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Identity;
using RagCluster.Nodes.Gateway.Chat;

namespace RagCluster.Nodes.Tests.Chats;

/// <summary>
/// A question that is sent over a connection which already follows the conversation, whose reply is lost and which took
/// effect all the same: the connection's sequence numbers must not have a gap where it stands.
/// </summary>
public sealed class UnsureQuestionTests
{
    private static readonly Principal s_person = new(TenantId.Of("t"), UserId.Of("u"), RoleSet.Of("agent"));
    private static readonly ConversationId s_conversation = ConversationId.Of("talk");
    private static readonly QuestionId s_question = QuestionId.Of("q1");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_event_of_a_question_without_a_reply_is_shown_like_any_other(bool before)
    {
        var region = new LossyRegion { EventBeforeFailure = before };
        using var closing = new CancellationTokenSource();
        var session = new ChatSession(s_person, new ConversationService(region, new ConversationOptions()), new ChatSocketOptions(), () => "id", TimeProvider.System, closing.Token);
        await session.HandleAsync(new ResumeFrame(s_conversation, 0));
        (await session.Outbox.ReadAsync(TestContext.Current.CancellationToken)).ShouldBeOfType<ResumedFrame>();

        await session.HandleAsync(new AskFrame(s_question, s_conversation, "Is it?", null));
        var frames = new List<ServerFrame>
        {
            await session.Outbox.ReadAsync(TestContext.Current.CancellationToken),
            await session.Outbox.ReadAsync(TestContext.Current.CancellationToken),
        };
        frames.OfType<ErrorFrame>().Single().Code.ShouldBe("timeout");
        frames.OfType<QuestionFrame>().Single().Seq.ShouldBe(1);
        await closing.CancelAsync();
        await session.StopAsync();
    }

    /// <summary>Takes a question, and loses the reply.</summary>
    private sealed class LossyRegion : IRegion<ConversationCommand, ConversationEvent, ConversationReply>
    {
        private readonly Channel<Recorded<ConversationEvent>> _events = Channel.CreateUnbounded<Recorded<ConversationEvent>>();

        public bool EventBeforeFailure { get; init; }

        public async ValueTask<Committed<ConversationReply>> AskAsync(
            EntityId id, ConversationCommand command, CommandId? commandId, TimeSpan timeout, CancellationToken cancellationToken = default)
        {
            if (command is not Ask ask)
            {
                return new Committed<ConversationReply>(new ConversationView("Talk", DateTimeOffset.UnixEpoch, []), 0);
            }

            if (!EventBeforeFailure)
            {
                // The event comes when the caller has given up already.
                _ = Task.Run(() => Happen(ask), cancellationToken);
            }
            else
            {
                Happen(ask);
                await Task.Yield();
            }

            throw new TimeoutException("The reply was lost.");
        }

        public async IAsyncEnumerable<Recorded<ConversationEvent>> SubscribeAsync(EntityId id, long after, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            await foreach (var e in _events.Reader.ReadAllAsync(cancellationToken))
            {
                yield return e;
            }
        }

        private void Happen(Ask ask) =>
            _events.Writer.TryWrite(new Recorded<ConversationEvent>(1, new QuestionAsked(ask.Question, ask.Text, s_person, null) { At = DateTimeOffset.UnixEpoch }));
    }
}
