using System.Buffers;
using System.Net.WebSockets;
using System.Text.Json;
using RagCluster.Actors.Conversations;
using RagCluster.Messages.Identity;

namespace RagCluster.Nodes.Gateway.Chat;

/// <summary>How chat connections are kept.</summary>
public sealed record ChatSocketOptions
{
    /// <summary>The largest message taken, in bytes; a larger one closes the connection with 1009.</summary>
    public int MaxFrameBytes { get; init; } = 64 << 10;

    /// <summary>A heartbeat frame is sent when nothing else was for so long.</summary>
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>A client that does not answer pings for so long is gone.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How many frames wait for a slow client before its conversations' readers wait.</summary>
    public int SendQueue { get; init; } = 256;

    /// <summary>How many conversations one connection follows.</summary>
    public int MaxConversations { get; init; } = 32;

    /// <summary>A client that takes nothing for so long is disconnected; it can resume.</summary>
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How many connections one node takes.</summary>
    public int MaxConnections { get; init; } = 10_000;
}

/// <summary>
/// Carries a <see cref="ChatSession"/> over a WebSocket. Close codes as RFC 6455 section 7.4.1 asks: 1000 by the
/// client's wish, 1001 when the node goes, 1003 for binary messages, 1009 for too large ones; the framework answers
/// protocol errors with 1002 and invalid UTF-8 with 1007.
/// </summary>
internal sealed partial class ChatSocket(
    ConversationService conversations, ChatSocketOptions options, Func<string> newId, TimeProvider time, ILogger<ChatSocket> log)
{
    /// <summary>The subprotocol that clients may name beside their "bearer." token.</summary>
    public const string Protocol = "ragcluster.v1";

    private const string GoingAway = "The node is going away; connect again, to any node, and resume.";

    /// <summary>Within this the clients of a node that stops come back, each at its own moment.</summary>
    private const int MaxRetryMs = 500;

    /// <summary>How long the other side may take to end a frame or to say goodbye.</summary>
    private static readonly TimeSpan s_farewell = TimeSpan.FromSeconds(5);

    /// <summary>How long a connection stays after a breach of the protocol, for its close code to get through.</summary>
    private static readonly TimeSpan s_linger = TimeSpan.FromSeconds(1);

    private int _connections;

    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Takes a place for a connection; false if the node has as many as it takes.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _connections) <= options.MaxConnections)
        {
            return true;
        }

        Interlocked.Decrement(ref _connections);
        return false;
    }

    public void Leave() => Interlocked.Decrement(ref _connections);

    /// <summary>Serves the connection until it ends.</summary>
    /// <param name="nodeStopping">Cancelled when the node shuts down: the client is told to resume elsewhere (1001).</param>
    /// <param name="clientGone">Cancelled when the client's end of the connection is closed.</param>
    public async Task ServeAsync(WebSocket socket, Principal principal, CancellationToken nodeStopping, CancellationToken clientGone)
    {
        // Cancelling a receive or a send breaks the connection; whoever is to be told why it ends must not be cancelled.
        using var closing = CancellationTokenSource.CreateLinkedTokenSource(nodeStopping);
        var session = new ChatSession(principal, conversations, options, newId, time, closing.Token);
        var sending = SendAsync(socket, session, closing);
        var receiving = ReceiveAsync(socket, session);
        var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var registration = nodeStopping.Register(() => stopping.TrySetResult());
        try
        {
            if (await Task.WhenAny(receiving, stopping.Task) == receiving)
            {
                var (status, reason) = await receiving;
                await closing.CancelAsync();
                await sending;
                await CloseAsync(socket, status, reason);
            }
            else
            {
                await sending;
                await LeaveAsync(socket, receiving);
            }
        }
        catch (WebSocketException e)
        {
            // Cut off, or a broken frame, which the framework has answered with its close code.
            LogConnectionLost(log, principal.User.Value, e.WebSocketErrorCode);
            await closing.CancelAsync();
            await sending;
            await LingerAsync(clientGone);
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
            // The client took nothing for too long, or the node stops while it handles a frame.
            await sending;
            await CloseAsync(socket, WebSocketCloseStatus.EndpointUnavailable, GoingAway);
        }
        finally
        {
            await session.StopAsync();
        }
    }

    private async Task<(WebSocketCloseStatus Status, string Reason)> ReceiveAsync(WebSocket socket, ChatSession session)
    {
        var max = options.MaxFrameBytes;
        var buffer = ArrayPool<byte>.Shared.Rent(max + 1);
        try
        {
            while (true)
            {
                var length = 0;
                ValueWebSocketReceiveResult received;
                do
                {
                    received = await socket.ReceiveAsync(buffer.AsMemory(length, max + 1 - length), CancellationToken.None);
                    length += received.Count;
                    if (received.MessageType == WebSocketMessageType.Close)
                    {
                        return (WebSocketCloseStatus.NormalClosure, "");
                    }

                    if (received.MessageType == WebSocketMessageType.Binary)
                    {
                        return (WebSocketCloseStatus.InvalidMessageType, "Send JSON in text frames.");
                    }

                    if (length > max)
                    {
                        return (WebSocketCloseStatus.MessageTooBig, $"A message has at most {max} bytes.");
                    }
                }
                while (!received.EndOfMessage);

                await DispatchAsync(session, buffer.AsMemory(0, length));
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static async ValueTask DispatchAsync(ChatSession session, ReadOnlyMemory<byte> message)
    {
        ClientFrame? frame;
        try
        {
            frame = JsonSerializer.Deserialize(message.Span, FramesJson.Default.ClientFrame);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or ArgumentException or InvalidOperationException)
        {
            await session.SendAsync(new ErrorFrame("malformed", $"The frame is not understood: {e.Message} Its type is one of ask, resume, cancel, feedback, ping."));
            return;
        }

        if (frame is null)
        {
            await session.SendAsync(new ErrorFrame("malformed", "The frame is null; send a JSON object with a type."));
            return;
        }

        await session.HandleAsync(frame);
    }

    private async Task SendAsync(WebSocket socket, ChatSession session, CancellationTokenSource closing)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var writer = new Utf8JsonWriter(buffer);
        var outbox = session.Outbox;
        try
        {
            while (true)
            {
                closing.Token.ThrowIfCancellationRequested();
                ServerFrame frame;
                using (var quiet = CancellationTokenSource.CreateLinkedTokenSource(closing.Token))
                {
                    if (!outbox.TryRead(out var next))
                    {
                        quiet.CancelAfter(options.Heartbeat);
                        try
                        {
                            next = await outbox.ReadAsync(quiet.Token);
                        }
                        catch (OperationCanceledException) when (!closing.IsCancellationRequested)
                        {
                            next = new HeartbeatFrame(time.GetUtcNow());
                        }
                    }

                    frame = next;
                }

                buffer.ResetWrittenCount();
                writer.Reset();
                JsonSerializer.Serialize(writer, frame, FramesJson.Default.ServerFrame);
                using var limit = new CancellationTokenSource(options.SendTimeout, time);
                using var hurry = closing.Token.Register(static sending => ((CancellationTokenSource)sending!).CancelAfter(s_farewell), limit);
                await socket.SendAsync(buffer.WrittenMemory, WebSocketMessageType.Text, endOfMessage: true, limit.Token);
            }
        }
        catch (OperationCanceledException) when (closing.IsCancellationRequested)
        {
            // The connection ends; who ended it says goodbye.
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException)
        {
            LogSendFailed(log, options.SendTimeout.TotalSeconds, e);
            await closing.CancelAsync();
            socket.Abort();
        }
    }

    /// <summary>The node stops: says so, and waits a moment for the client to answer.</summary>
    private async Task LeaveAsync(WebSocket socket, Task receiving)
    {
        using var limit = new CancellationTokenSource(s_farewell, time);
        try
        {
            if (socket.State == WebSocketState.Open)
            {
                var bye = JsonSerializer.SerializeToUtf8Bytes<ServerFrame>(new ByeFrame(GoingAway, Random.Shared.Next(MaxRetryMs)), FramesJson.Default.ServerFrame);
                await socket.SendAsync(bye, WebSocketMessageType.Text, endOfMessage: true, limit.Token);
                await socket.CloseOutputAsync(WebSocketCloseStatus.EndpointUnavailable, GoingAway, limit.Token);
            }

            await receiving.WaitAsync(limit.Token);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            LogCloseFailed(log, e.Message);
        }

        if (!receiving.IsCompleted)
        {
            socket.Abort();
            await receiving.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    /// <summary>The framework's close code is written and perhaps not sent; to end at once could reset the connection before it.</summary>
    private async Task LingerAsync(CancellationToken clientGone) =>
        await Task.Delay(s_linger, time, clientGone)
            .ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private async Task CloseAsync(WebSocket socket, WebSocketCloseStatus status, string reason)
    {
        if (socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived))
        {
            return;
        }

        using var limit = new CancellationTokenSource(s_farewell, time);
        try
        {
            await socket.CloseAsync(status, reason, limit.Token);
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException)
        {
            LogCloseFailed(log, e.Message);
        }
    }

    [LoggerMessage(7001, LogLevel.Debug, "The chat connection of {User} was lost: {Error}.")]
    private static partial void LogConnectionLost(ILogger log, string user, WebSocketError error);

    [LoggerMessage(7002, LogLevel.Debug, "A chat client took nothing for {Seconds} s or is gone; it is disconnected and can resume.")]
    private static partial void LogSendFailed(ILogger log, double seconds, Exception exception);

    [LoggerMessage(7003, LogLevel.Debug, "A chat connection did not close in order: {Reason}")]
    private static partial void LogCloseFailed(ILogger log, string reason);
}
