using RagCluster.Nodes.Gateway.Identity;

namespace RagCluster.Nodes.Gateway.Chat;

/// <summary>/api/v1/ws: the chat connection.</summary>
internal static class ChatEndpoints
{
    public static void MapChat(this IEndpointRouteBuilder api) =>
        api.MapGet("/ws", ServeAsync).WithTags("conversations").WithSummary("The chat WebSocket; docs/api.md describes its frames.").ExcludeFromDescription();

    /// <summary>What a stream is told that comes to a node while it hands its work over.</summary>
    internal const string Stopping = "This node is about to stop; connect again, to any other node.";

    private static async Task ServeAsync(HttpContext context, ChatSocket chat, ChatSocketOptions options, IHostApplicationLifetime lifetime)
    {
        if (!context.WebSockets.IsWebSocketRequest)
        {
            context.Response.Headers.Upgrade = "websocket";
            await Problems.Of(StatusCodes.Status426UpgradeRequired, "upgrade-required", "This address speaks WebSocket only.").ExecuteAsync(context);
            return;
        }

        if (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            context.Response.Headers.RetryAfter = "1";
            await Problems.Unavailable(Stopping).ExecuteAsync(context);
            return;
        }

        if (!chat.TryEnter())
        {
            context.Response.Headers.RetryAfter = "5";
            await Problems.Unavailable("This node has as many chat connections as it takes; try again, or another node.").ExecuteAsync(context);
            return;
        }

        try
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext
            {
                SubProtocol = Authentication.Subprotocol(context),
                KeepAliveInterval = options.Heartbeat,
                KeepAliveTimeout = options.IdleTimeout,
            });
            await chat.ServeAsync(socket, context.Principal(), lifetime.ApplicationStopping, context.RequestAborted);
        }
        finally
        {
            chat.Leave();
        }
    }
}
