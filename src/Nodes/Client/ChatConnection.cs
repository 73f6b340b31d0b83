using System.Buffers;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;
using System.Text.Json;
using RagCluster.Nodes.Gateway.Chat;

namespace RagCluster.Nodes.Client;

/// <summary>A chat WebSocket from the client's side.</summary>
internal sealed class ChatConnection : IAsyncDisposable
{
    private readonly ClientWebSocket _socket;

    private ChatConnection(ClientWebSocket socket) => _socket = socket;

    /// <exception cref="HttpRequestException">The node cannot be reached or refuses.</exception>
    public static async Task<ChatConnection> OpenAsync(NodeClient node, CancellationToken cancellationToken)
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol(ChatSocket.Protocol);
        if (node.Token is not null)
        {
            socket.Options.SetRequestHeader("Authorization", "Bearer " + node.Token);
        }

        var address = new UriBuilder(new Uri(node.Url, "api/v1/ws")) { Scheme = node.Url.Scheme == "https" ? "wss" : "ws" };
        if (node.Roles is not null)
        {
            address.Query = "roles=" + Uri.EscapeDataString(node.Roles);
        }

        try
        {
            await socket.ConnectAsync(address.Uri, cancellationToken);
            return new ChatConnection(socket);
        }
        catch (WebSocketException e)
        {
            socket.Dispose();
            throw new HttpRequestException($"{address.Uri.GetLeftPart(UriPartial.Path)}: {e.Message}", e);
        }
    }

    public static string ToJson(ServerFrame frame) => JsonSerializer.Serialize(frame, FramesJson.Default.ServerFrame);

    public async Task SendAsync(ClientFrame frame, CancellationToken cancellationToken) =>
        await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(frame, FramesJson.Default.ClientFrame), WebSocketMessageType.Text, endOfMessage: true, cancellationToken);

    /// <summary>The frames as they come; ends when the node closes or is gone.</summary>
    public async IAsyncEnumerable<ServerFrame> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        while (true)
        {
            buffer.ResetWrittenCount();
            ValueWebSocketReceiveResult received;
            do
            {
                try
                {
                    received = await _socket.ReceiveAsync(buffer.GetMemory(4096), cancellationToken);
                }
                catch (WebSocketException)
                {
                    // Cut off; the caller knows the last sequence number it saw.
                    yield break;
                }

                buffer.Advance(received.Count);
            }
            while (!received.EndOfMessage);

            if (received.MessageType == WebSocketMessageType.Close)
            {
                yield break;
            }

            yield return JsonSerializer.Deserialize(buffer.WrittenSpan, FramesJson.Default.ServerFrame)!;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_socket.State == WebSocketState.Open)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            try
            {
                await _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
            }
            catch (Exception e) when (e is WebSocketException or OperationCanceledException)
            {
                _socket.Abort();
            }
        }

        _socket.Dispose();
    }
}
