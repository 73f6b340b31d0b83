using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace RagCluster.EndToEnd.Scripted;

/// <summary>The WebSocket side of the scripted node: the gateway's frames over scripted conversations.</summary>
internal sealed class ScriptedSockets(ScriptedConversations conversations)
{
    private readonly ConcurrentDictionary<WebSocket, HttpContext> _open = new();

    /// <summary>How many connections were made so far.</summary>
    public int Connections;

    /// <summary>Refuses new connections while set: the node is away.</summary>
    public bool Away { get; set; }

    /// <summary>What the page sent.</summary>
    public ConcurrentQueue<JsonObject> Received { get; } = new();

    /// <summary>Breaks every connection without a closing handshake, as a crash does.</summary>
    public void Drop()
    {
        foreach (var context in _open.Values)
        {
            context.Abort();
        }
    }

    public async Task AcceptAsync(HttpContext context)
    {
        if (Away || !context.WebSockets.IsWebSocketRequest)
        {
            context.Response.StatusCode = Away ? 503 : 400;
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync("ragcluster.v1");
        Interlocked.Increment(ref Connections);
        _open[socket] = context;
        using var closed = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        using var sending = new SemaphoreSlim(1);
        var followed = new ConcurrentDictionary<string, bool>();

        async Task SendAsync(JsonObject frame)
        {
            await sending.WaitAsync(closed.Token);
            try
            {
                await socket.SendAsync(Encoding.UTF8.GetBytes(frame.ToJsonString()), WebSocketMessageType.Text, true, closed.Token);
            }
            finally
            {
                sending.Release();
            }
        }

        async Task FollowAsync(ScriptedConversation conversation, long after)
        {
            if (!followed.TryAdd(conversation.Id, true))
            {
                return;
            }

            try
            {
                await foreach (var frame in conversation.Journal.SubscribeAsync(after, closed.Token))
                {
                    await SendAsync(frame);
                }
            }
            catch (Exception gone) when (gone is OperationCanceledException or WebSocketException)
            {
                // The connection ended; the conversation goes on without it.
                followed.TryRemove(conversation.Id, out _);
            }
        }

        try
        {
            // A page passes over what it does not know: a newer node may say more.
            await SendAsync(new JsonObject { ["type"] = "unheard-of" });
            while (await ReceiveAsync(socket, closed.Token) is { } frame)
            {
                Received.Enqueue(frame);
                switch ((string?)frame["type"])
                {
                    case "ask":
                        var id = (string)frame["id"]!;
                        var (conversation, seq) = conversations.Ask(id, (string)frame["conversation"]!, (string?)frame["text"], (string?)frame["regenerateOf"]);
                        await SendAsync(new JsonObject { ["type"] = "accepted", ["id"] = id, ["conversation"] = conversation.Id, ["seq"] = seq });

                        // Acceptance stands for the question itself: what follows it follows it.
                        _ = FollowAsync(conversation, seq);
                        break;
                    case "resume" when conversations.Find((string)frame["conversation"]!) is { } resumed:
                        _ = FollowAsync(resumed, (long)frame["after"]!);
                        break;
                    case "resume":
                        await SendAsync(new JsonObject { ["type"] = "error", ["code"] = "not-found", ["detail"] = "There is no such conversation." });
                        break;
                    case "cancel":
                        conversations.Cancel((string)frame["id"]!);
                        break;
                    case "ping":
                        await SendAsync(new JsonObject { ["type"] = "pong" });
                        break;
                }
            }
        }
        catch (Exception gone) when (gone is OperationCanceledException or WebSocketException or IOException)
        {
            // Dropped on purpose, or the page left.
        }
        finally
        {
            await closed.CancelAsync();
            _open.TryRemove(socket, out _);
        }
    }

    private static async Task<JsonObject?> ReceiveAsync(WebSocket socket, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 * 1024];
        var length = 0;
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer.AsMemory(length), cancellationToken);
            if (part.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            length += part.Count;
            if (part.EndOfMessage)
            {
                return JsonNode.Parse(buffer.AsSpan(0, length))!.AsObject();
            }
        }
    }
}
