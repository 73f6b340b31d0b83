using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace RagCluster.Nodes.Tests.Running;

/// <summary>A chat connection as a client has it: JSON frames out, JSON frames in.</summary>
public sealed class Chat : IAsyncDisposable
{
    private readonly CancellationTokenSource _limit;

    private Chat(ClientWebSocket socket, CancellationTokenSource limit) => (Socket, _limit) = (socket, limit);

    public ClientWebSocket Socket { get; }

    public static Task<Chat> OpenAsync(Uri url, string? token = null, string? roles = null) => OpenAsync(url, options =>
    {
        options.AddSubProtocol("ragcluster.v1");
        if (token is not null)
        {
            // As a browser does, which cannot set headers.
            options.AddSubProtocol("bearer." + token);
        }
    }, roles);

    public static async Task<Chat> OpenAsync(Uri url, Action<ClientWebSocketOptions> configure, string? roles = null)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        var socket = new ClientWebSocket();
        configure(socket.Options);
        var address = new UriBuilder(new Uri(url, "api/v1/ws")) { Scheme = "ws", Query = roles is null ? "" : "roles=" + Uri.EscapeDataString(roles) };
        await socket.ConnectAsync(address.Uri, limit.Token);
        return new Chat(socket, limit);
    }

    public Task SendAsync(object frame) => SendTextAsync(frame as string ?? System.Text.Json.JsonSerializer.Serialize(frame));

    public async Task SendTextAsync(string text) => await SendBytesAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text);

    public async Task SendBytesAsync(byte[] bytes, WebSocketMessageType type) => await Socket.SendAsync(bytes, type, endOfMessage: true, _limit.Token);

    public Task AskAsync(string id, string conversation, string text) => SendAsync(new { type = "ask", id, conversation, text });

    public Task ResumeAsync(string conversation, long after) => SendAsync(new { type = "resume", conversation, after });

    /// <summary>The next frame that is no heartbeat; null once the node has closed.</summary>
    public async Task<JsonNode?> NextAsync()
    {
        var message = new MemoryStream();
        var buffer = new byte[16 << 10];
        while (true)
        {
            var received = await Socket.ReceiveAsync(buffer.AsMemory(), _limit.Token);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            message.Write(buffer, 0, received.Count);
            if (!received.EndOfMessage)
            {
                continue;
            }

            var frame = JsonNode.Parse(message.ToArray())!;
            if ((string?)frame["type"] != "heartbeat")
            {
                return frame;
            }

            message.SetLength(0);
        }
    }

    /// <summary>Reads up to and with the first frame for which this holds.</summary>
    public async Task<IReadOnlyList<JsonNode>> UntilAsync(Func<JsonNode, bool> last)
    {
        var read = new List<JsonNode>();
        while (await NextAsync() is { } frame)
        {
            read.Add(frame);
            if (last(frame))
            {
                return read;
            }
        }

        throw new InvalidOperationException($"The node closed ({Socket.CloseStatus} {Socket.CloseStatusDescription}) after: {string.Join(" ", read.Select(f => f.ToJsonString()))}");
    }

    /// <summary>Reads until a question has ended.</summary>
    public Task<IReadOnlyList<JsonNode>> EndOfAsync(string question) =>
        UntilAsync(f => (string?)f["type"] is "completed" or "failed" or "cancelled" && (string?)f["id"] == question);

    /// <summary>The next frame, which must be of this type.</summary>
    public async Task<JsonNode> ExpectAsync(string type)
    {
        var frame = await NextAsync();
        frame.ShouldNotBeNull($"the node closed: {Socket.CloseStatus} {Socket.CloseStatusDescription}");
        ((string?)frame["type"]).ShouldBe(type, frame.ToJsonString());
        return frame;
    }

    /// <summary>Reads until the node closes, and gives its reason.</summary>
    public async Task<WebSocketCloseStatus?> ClosedAsync()
    {
        while (await NextAsync() is not null)
        {
            // What was on its way before.
        }

        return Socket.CloseStatus;
    }

    public ValueTask DisposeAsync()
    {
        Socket.Abort();
        Socket.Dispose();
        _limit.Dispose();
        return ValueTask.CompletedTask;
    }
}
