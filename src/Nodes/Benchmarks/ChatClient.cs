using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using RagCluster.Messages;
using RagCluster.Nodes.Gateway.Chat;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>How one question went, in milliseconds since it was sent.</summary>
/// <param name="FirstDelta">When its first words came; NaN where none did.</param>
/// <param name="Completed">Whether it ended with an answer.</param>
internal sealed record QuestionTiming(double Accepted, double FirstDelta, double Ended, bool Completed, bool Abstained);

/// <summary>One chat connection that asks one question after another, as cheaply as it can: it shares its machine with the node.</summary>
internal sealed class ChatClient : IDisposable
{
    private readonly ClientWebSocket _socket = new();
    private byte[] _buffer = new byte[64 << 10];

    public static async Task<ChatClient> ConnectAsync(Uri node, CancellationToken cancellationToken)
    {
        var client = new ChatClient();
        try
        {
            var address = new UriBuilder(node) { Scheme = node.Scheme == "https" ? "wss" : "ws", Path = "/api/v1/ws" }.Uri;
            await client._socket.ConnectAsync(address, cancellationToken);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <exception cref="InvalidDataException">The node refused the question or closed the connection.</exception>
    public async Task<QuestionTiming> AskAsync(ConversationId conversation, string text, CancellationToken cancellationToken)
    {
        var id = QuestionId.Of(Guid.CreateVersion7().ToString("N"));
        var frame = JsonSerializer.SerializeToUtf8Bytes(new AskFrame(id, conversation, text, null), FramesJson.Default.ClientFrame);
        var start = Stopwatch.GetTimestamp();
        await _socket.SendAsync(frame, WebSocketMessageType.Text, endOfMessage: true, cancellationToken);
        var (accepted, first) = (double.NaN, double.NaN);
        while (true)
        {
            var message = await ReceiveAsync(cancellationToken);
            var elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            switch (TypeOf(message.Span))
            {
                case "accepted":
                    accepted = elapsed;
                    break;
                case "delta" when double.IsNaN(first):
                    first = elapsed;
                    break;
                case "completed":
                    return new QuestionTiming(accepted, first, elapsed, true, message.Span.IndexOf("\"abstained\":true"u8) >= 0);
                case "failed" or "cancelled":
                    return new QuestionTiming(accepted, first, elapsed, false, false);
                case "error":
                    throw new InvalidDataException($"The node refused a question: {System.Text.Encoding.UTF8.GetString(message.Span)}");
                default:
                    break;
            }
        }
    }

    public async Task CloseAsync(CancellationToken cancellationToken) => await _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, cancellationToken);

    public void Dispose() => _socket.Dispose();

    private async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellationToken)
    {
        var length = 0;
        while (true)
        {
            if (length == _buffer.Length)
            {
                Array.Resize(ref _buffer, _buffer.Length * 2);
            }

            var received = await _socket.ReceiveAsync(_buffer.AsMemory(length), cancellationToken);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                throw new InvalidDataException($"The node closed the connection: {_socket.CloseStatus} {_socket.CloseStatusDescription}");
            }

            length += received.Count;
            if (received.EndOfMessage)
            {
                return _buffer.AsMemory(0, length);
            }
        }
    }

    /// <summary>The value of the frame's property "type".</summary>
    private static string? TypeOf(ReadOnlySpan<byte> message)
    {
        var reader = new Utf8JsonReader(message);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
            {
                var isType = reader.ValueTextEquals("type"u8);
                reader.Read();
                if (isType)
                {
                    return reader.GetString();
                }

                reader.Skip();
            }
        }

        return null;
    }
}
