using System.Collections.Concurrent;
using System.Threading.Channels;
using RagCluster.Actors.Conversations;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Identity;

namespace RagCluster.Nodes.Gateway.Chat;

/// <summary>
/// One client's connection, free of its transport: takes client frames, gives server frames. Follows each conversation
/// that the client asks in or resumes, with one reader of its event stream each.
/// </summary>
/// <remarks>
/// <see cref="HandleAsync"/> is called for one frame at a time; the outbox is bounded, so a client that does not read
/// stops its own conversations' readers and nothing else.
/// </remarks>
internal sealed class ChatSession(
    Principal principal, ConversationService conversations, ChatSocketOptions options, Func<string> newId, TimeProvider time, CancellationToken closing)
{
    private readonly Channel<ServerFrame> _outbox = Channel.CreateBounded<ServerFrame>(new BoundedChannelOptions(options.SendQueue) { SingleReader = true });
    private readonly Dictionary<ConversationId, Follower> _followers = [];

    /// <summary>What to send, in order.</summary>
    public ChannelReader<ServerFrame> Outbox => _outbox.Reader;

    public async ValueTask HandleAsync(ClientFrame frame)
    {
        try
        {
            switch (frame)
            {
                case AskFrame f:
                    await AskAsync(f);
                    break;
                case ResumeFrame f:
                    await ResumeAsync(f);
                    break;
                case CancelFrame { Id: { } id, Conversation: { } conversation }:
                    await ReportAsync(await conversations.CancelAsync(principal, conversation, id, closing), id, conversation);
                    break;
                case FeedbackFrame { Conversation: { } conversation, Question: { } question, Rating: { } rating } f:
                    await ReportAsync(
                        await conversations.GiveFeedbackAsync(principal, conversation, question, rating, f.Comment, f.Citation, null, closing), question, conversation);
                    break;
                case PingFrame:
                    await SendAsync(new PongFrame(time.GetUtcNow()));
                    break;
                default:
                    await SendAsync(new ErrorFrame("invalid", "The frame lacks a property: cancel needs id and conversation; feedback needs conversation, question and rating."));
                    break;
            }
        }
        catch (EntityUnavailableException e)
        {
            await SendAsync(new ErrorFrame("unavailable", $"{e.Message} Nothing happened; try again.", IdOf(frame), ConversationOf(frame)));
        }
        catch (Exception e) when (e is TimeoutException or EntityFailedException)
        {
            await SendAsync(new ErrorFrame("timeout", "No reply in time; send the same frame again: the same id takes effect once.", IdOf(frame), ConversationOf(frame)));
        }
    }

    public ValueTask SendAsync(ServerFrame frame) => _outbox.Writer.WriteAsync(frame, closing);

    /// <summary>Stops following; ends when no reader runs any more.</summary>
    public async Task StopAsync()
    {
        foreach (var follower in _followers.Values)
        {
            await follower.StopAsync();
        }
    }

    private static QuestionId? IdOf(ClientFrame frame) => frame switch
    {
        AskFrame f => f.Id,
        CancelFrame f => f.Id,
        FeedbackFrame f => f.Question,
        _ => null,
    };

    private static ConversationId? ConversationOf(ClientFrame frame) => frame switch
    {
        AskFrame f => f.Conversation,
        ResumeFrame f => f.Conversation,
        CancelFrame f => f.Conversation,
        FeedbackFrame f => f.Conversation,
        _ => null,
    };

    private async ValueTask AskAsync(AskFrame frame)
    {
        var id = frame.Id ?? QuestionId.Of(newId());
        var conversation = frame.Conversation ?? ConversationId.Of(newId());
        if (frame.Text is null && frame.RegenerateOf is null)
        {
            await SendAsync(new ErrorFrame("invalid", "ask needs a text.", id));
            return;
        }

        if (_followers.TryGetValue(conversation, out var follower) && follower.HasEnded)
        {
            _followers.Remove(conversation);
            follower = null;
        }

        follower?.Announce(id);
        var accepted = false;
        try
        {
            var (reply, seq) = frame.RegenerateOf is { } of
                ? await conversations.RegenerateAsync(principal, conversation, id, of, closing)
                : await conversations.AskAsync(principal, conversation, id, frame.Text!, closing);
            switch (reply)
            {
                case Accepted:
                    await SendAsync(new AcceptedFrame(id, conversation, seq));
                    accepted = true;
                    if (follower is null)
                    {
                        await FollowAsync(conversation, seq);
                    }

                    break;
                case Unchanged:
                    // Asked before, and so long ago that its reply is forgotten: what became of it is in the events.
                    await SendAsync(new ErrorFrame("invalid", "This question was asked before; resume the conversation to see its answer.", id, conversation));
                    break;
                case Refused refused:
                    await SendAsync(new ErrorFrame(refused.Code, refused.Detail, id, conversation));
                    break;
            }
        }
        finally
        {
            follower?.Settle(id, accepted);
        }
    }

    private async ValueTask ResumeAsync(ResumeFrame frame)
    {
        if (frame.Conversation is not { } conversation)
        {
            await SendAsync(new ErrorFrame("invalid", "resume needs a conversation."));
            return;
        }

        if (_followers.Remove(conversation, out var old))
        {
            await old.StopAsync();
        }

        try
        {
            await FollowAsync(conversation, frame.After, announce: true);
        }
        catch (ArgumentOutOfRangeException)
        {
            await SendAsync(new ErrorFrame("invalid", $"The conversation has no event {frame.After} to resume after.", null, conversation));
        }
    }

    private async ValueTask FollowAsync(ConversationId conversation, long after, bool announce = false)
    {
        if (_followers.Count >= options.MaxConversations)
        {
            await SendAsync(new ErrorFrame("too-many", $"One connection follows at most {options.MaxConversations} conversations; open another.", null, conversation));
            return;
        }

        var stopping = CancellationTokenSource.CreateLinkedTokenSource(closing);
        if (await conversations.SubscribeAsync(principal, conversation, after, stopping.Token) is not { } events)
        {
            stopping.Dispose();
            await SendAsync(new ErrorFrame("not-found", "There is no such conversation.", null, conversation));
            return;
        }

        if (announce)
        {
            await SendAsync(new ResumedFrame(conversation, after));
        }

        _followers.Add(conversation, new Follower(conversation, events, _outbox.Writer, stopping));
    }

    private async ValueTask ReportAsync(Committed<ConversationReply> committed, QuestionId id, ConversationId conversation)
    {
        if (committed.Reply is Refused refused)
        {
            await SendAsync(new ErrorFrame(refused.Code, refused.Detail, id, conversation));
        }
    }

    /// <summary>Reads one conversation's events into the outbox.</summary>
    private sealed class Follower
    {
        private readonly ConcurrentDictionary<QuestionId, TaskCompletionSource<bool>> _announced = [];
        private TaskCompletionSource<bool>? _asking;
        private readonly CancellationTokenSource _stopping;
        private readonly Task _reading;

        public Follower(
            ConversationId conversation, IAsyncEnumerable<Recorded<ConversationEvent>> events, ChannelWriter<ServerFrame> outbox, CancellationTokenSource stopping)
        {
            _stopping = stopping;
            _reading = ReadAsync(conversation, events, outbox);
        }

        /// <summary>The events could not be read on; the client was told and may resume.</summary>
        public bool HasEnded => _reading.IsCompleted;

        /// <summary>
        /// This connection is about to ask: the question's event is shown by the frame that accepts it, and what comes
        /// after waits until that frame is on its way.
        /// </summary>
        public void Announce(QuestionId question) =>
            _announced[question] = _asking = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>
        /// The announced question has its frame; or it has none, because nobody knows what became of it: if its event
        /// comes, it is shown like any other, so that there is no gap.
        /// </summary>
        public void Settle(QuestionId question, bool accepted)
        {
            if (!accepted)
            {
                _announced.TryRemove(question, out _);
            }

            _asking?.TrySetResult(accepted);
        }

        public async Task StopAsync()
        {
            await _stopping.CancelAsync();
            await _reading;
            _stopping.Dispose();
        }

        private async Task ReadAsync(
            ConversationId conversation, IAsyncEnumerable<Recorded<ConversationEvent>> events, ChannelWriter<ServerFrame> outbox)
        {
            try
            {
                await foreach (var (seq, e) in events)
                {
                    if (e is QuestionAsked asked && _announced.TryRemove(asked.Question, out var announced) && await announced.Task.WaitAsync(_stopping.Token))
                    {
                        continue;
                    }

                    await outbox.WriteAsync(FrameMapping.ToFrame(conversation, seq, e), _stopping.Token);
                }
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                // The client left, or resumes from elsewhere.
            }
            catch (Exception e) when (e is EntityUnavailableException or TimeoutException)
            {
                // The client knows the last number it saw and can go on from there, here or on another node.
                outbox.TryWrite(new ErrorFrame("unavailable", $"{e.Message} Resume after the last sequence number seen.", null, conversation));
            }
        }
    }
}
