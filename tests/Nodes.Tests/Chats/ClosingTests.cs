using System.Net.WebSockets;
using RagCluster.Configuration.Options;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Chats;

/// <summary>A connection ends with a word, not with a reset that looks like a crash and makes clients connect again.</summary>
public sealed class ClosingTests(OpenNode node)
{
    [Fact]
    public async Task A_client_that_leaves_while_frames_are_on_their_way_gets_its_close_answered()
    {
        for (var round = 0; round < 25; round++)
        {
            await using var chat = await node.Caller().ChatAsync();
            for (var ping = 0; ping < 20; ping++)
            {
                await chat.SendAsync(new { type = "ping" });
            }

            await chat.Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, TestContext.Current.CancellationToken);
            chat.Socket.CloseStatus.ShouldBe(WebSocketCloseStatus.NormalClosure);
        }
    }

    [Fact]
    public async Task A_node_that_stops_says_that_it_goes_away()
    {
        var own = new OwnNode();
        await own.InitializeAsync();
        await using var chat = await own.Caller().ChatAsync();
        await chat.SendAsync(new { type = "ping" });
        await chat.ExpectAsync("pong");
        var stopping = own.DisposeAsync();
        (await chat.ClosedAsync()).ShouldBe(WebSocketCloseStatus.EndpointUnavailable);
        await chat.Socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, TestContext.Current.CancellationToken);
        await stopping;
    }

    private sealed class OwnNode : RunningNode
    {
        protected override RagClusterOptions Configure(RagClusterOptions options) => options;
    }
}
