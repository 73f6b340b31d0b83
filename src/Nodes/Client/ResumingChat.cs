using System.Diagnostics;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using RagCluster.Messages;
using RagCluster.Nodes.Commands;
using RagCluster.Nodes.Gateway.Chat;

namespace RagCluster.Nodes.Client;

/// <summary>
/// A chat that outlives its connections: when a node goes away, it goes on at another, after the last event that it saw.
/// </summary>
/// <param name="open">Connects to any node that is there.</param>
internal sealed class ResumingChat(Func<CancellationToken, Task<ChatConnection>> open) : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(300);

    private ChatConnection? _chat;
    private long _seen;

    /// <exception cref="HttpRequestException">The node cannot be reached or refuses: at the start that is told, and not waited for.</exception>
    public async Task ConnectAsync(CancellationToken cancellationToken) => _chat = await open(cancellationToken);

    /// <summary>
    /// Asks, and gives all frames that come; whoever reads stops at the answer's end. The question's id makes it one
    /// question, however often it has to be sent.
    /// </summary>
    /// <exception cref="CommandException">No node could be reached for a minute.</exception>
    public async IAsyncEnumerable<ServerFrame> AskAsync(QuestionId question, ConversationId conversation, string text, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var accepted = false;
        var lost = Stopwatch.GetTimestamp();
        while (true)
        {
            ClientFrame frame = accepted ? new ResumeFrame(conversation, _seen) : new AskFrame(question, conversation, text, null);
            if (await SendAsync(frame, cancellationToken) is { } chat)
            {
                await foreach (var answer in chat.ReadAsync(cancellationToken))
                {
                    accepted |= answer is AcceptedFrame taken && taken.Id == question;
                    _seen = Math.Max(_seen, SeqOf(answer));
                    lost = Stopwatch.GetTimestamp();
                    yield return answer;
                }
            }

            if (Stopwatch.GetElapsedTime(lost) > s_patience)
            {
                throw new CommandException(accepted
                    ? $"No node could be reached for {s_patience.TotalSeconds:0} s. The question is kept and will be answered; look into the conversation again."
                    : $"No node could be reached for {s_patience.TotalSeconds:0} s.");
            }

            await CloseAsync();
            await Task.Delay(s_pause, cancellationToken);
        }
    }

    public ValueTask DisposeAsync() => CloseAsync();

    /// <summary>Null where there is no connection to be had just now.</summary>
    private async Task<ChatConnection?> SendAsync(ClientFrame frame, CancellationToken cancellationToken)
    {
        try
        {
            _chat ??= await open(cancellationToken);
            await _chat.SendAsync(frame, cancellationToken);
            return _chat;
        }
        catch (Exception e) when (e is HttpRequestException or WebSocketException or InvalidOperationException or CommandException)
        {
            // The next try may find another node.
            return null;
        }
    }

    private async ValueTask CloseAsync()
    {
        if (_chat is { } chat)
        {
            _chat = null;
            await chat.DisposeAsync();
        }
    }

    private static long SeqOf(ServerFrame frame) => frame switch
    {
        AcceptedFrame f => f.Seq,
        StartedFrame f => f.Seq,
        RenamedFrame f => f.Seq,
        QuestionFrame f => f.Seq,
        BegunFrame f => f.Seq,
        SourcesFrame f => f.Seq,
        DeltaFrame f => f.Seq,
        RestartedFrame f => f.Seq,
        CompletedFrame f => f.Seq,
        FailedFrame f => f.Seq,
        CancelledFrame f => f.Seq,
        FeedbackGivenFrame f => f.Seq,
        _ => 0,
    };
}
