using System.Net;
using System.Net.WebSockets;
using System.Text;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Chats;

/// <summary>What is wrong with a frame is told, and costs the connection only where the protocol leaves no other way.</summary>
public sealed class FrameTests(OpenNode node, SmallNode small)
{
    [Theory]
    [InlineData("{\"type\": \"ask\", ", "malformed")]
    [InlineData("no json at all", "malformed")]
    [InlineData("", "malformed")]
    [InlineData("null", "malformed")]
    [InlineData("[1, 2]", "malformed")]
    [InlineData("\"ask\"", "malformed")]
    [InlineData("{}", "malformed")]
    [InlineData("{\"type\": \"shout\"}", "malformed")]
    [InlineData("{\"type\": 7}", "malformed")]
    [InlineData("{\"type\": \"ask\", \"id\": 7, \"text\": \"x\"}", "malformed")]
    [InlineData("{\"type\": \"ask\", \"id\": \"\", \"text\": \"x\"}", "malformed")]
    [InlineData("{\"type\": \"ask\"}", "invalid")]
    [InlineData("{\"type\": \"ask\", \"text\": \"   \"}", "invalid")]
    [InlineData("{\"type\": \"resume\"}", "invalid")]
    [InlineData("{\"type\": \"cancel\", \"id\": \"q\"}", "invalid")]
    [InlineData("{\"type\": \"feedback\", \"conversation\": \"c\"}", "invalid")]
    [InlineData("{\"type\": \"feedback\", \"conversation\": \"c\", \"question\": \"q\", \"rating\": \"meh\"}", "malformed")]
    [InlineData("{\"type\": \"resume\", \"conversation\": \"no-such\", \"after\": 0}", "not-found")]
    [InlineData("{\"type\": \"cancel\", \"conversation\": \"no-such\", \"id\": \"q\"}", "not-found")]
    public async Task It_is_answered_by_an_error_and_the_connection_goes_on(string frame, string code)
    {
        await using var chat = await node.Caller().ChatAsync();
        await chat.SendTextAsync(frame);
        var error = await chat.ExpectAsync("error");
        ((string?)error["code"]).ShouldBe(code);
        ((string?)error["detail"]).ShouldNotBeNullOrEmpty();
        await chat.SendAsync(new { type = "ping" });
        await chat.ExpectAsync("pong");
    }

    [Fact]
    public async Task An_id_of_more_than_256_characters_is_told_so()
    {
        await using var chat = await node.Caller().ChatAsync();
        await chat.AskAsync(new string('q', 257), "c", "Too long an id?");
        ((string?)(await chat.ExpectAsync("error"))["detail"]).ShouldNotBeNull().ShouldContain("256");
        await chat.SendAsync(new { type = "ping" });
        await chat.ExpectAsync("pong");
    }

    [Fact]
    public async Task A_binary_message_closes_with_1003()
    {
        await using var chat = await node.Caller().ChatAsync();
        await chat.SendBytesAsync([1, 2, 3], WebSocketMessageType.Binary);
        (await chat.ClosedAsync()).ShouldBe(WebSocketCloseStatus.InvalidMessageType);
    }

    [Fact]
    public async Task A_message_over_the_limit_closes_with_1009()
    {
        await using var chat = await small.Caller().ChatAsync();
        await chat.SendTextAsync(new string(' ', 8 << 10));
        await chat.ExpectAsync("error");
        await chat.SendTextAsync(new string(' ', (8 << 10) + 1));
        (await chat.ClosedAsync()).ShouldBe(WebSocketCloseStatus.MessageTooBig);
    }

    [Fact]
    public async Task Invalid_UTF8_closes_with_1007()
    {
        using var raw = await RawConnection.ChatAsync(node.Url);
        await raw.SendFrameAsync(0x81, [0x22, 0xC3, 0x28, 0x22]);
        (await raw.CloseCodeAsync()).ShouldBe(1007);
    }

    [Theory]
    [InlineData(0xC1, "a reserved bit")]
    [InlineData(0x83, "a reserved opcode")]
    [InlineData(0x80, "a continuation of nothing")]
    [InlineData(0x09, "a ping in pieces")]
    public async Task A_breach_of_the_protocol_closes_with_1002(int first, string breach)
    {
        using var raw = await RawConnection.ChatAsync(node.Url);
        await raw.SendFrameAsync((byte)first, Encoding.UTF8.GetBytes("{}"));
        (await raw.CloseCodeAsync()).ShouldBe(1002, breach);
    }

    [Fact]
    public async Task A_message_in_many_pieces_is_one_message()
    {
        await using var chat = await node.Caller().ChatAsync();
        var text = Encoding.UTF8.GetBytes("{\"type\":\"ping\",\"note\":\"é\"}");
        for (var i = 0; i < text.Length; i++)
        {
            await chat.Socket.SendAsync(text.AsMemory(i, 1), WebSocketMessageType.Text, i == text.Length - 1, TestContext.Current.CancellationToken);
        }

        await chat.ExpectAsync("pong");
    }

    [Fact]
    public async Task A_plain_request_is_told_to_upgrade()
    {
        using var caller = node.Caller();
        (await caller.GetAsync("/api/v1/ws")).ExpectProblem(HttpStatusCode.UpgradeRequired, "upgrade-required");
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_cut_off_alone()
    {
        // It asks for what is long to tell, again and again, and never reads.
        using var deaf = await RawConnection.ChatAsync(small.Url, receiveBuffer: 4096);
        using var caller = small.Caller();
        await using var chat = await caller.ChatAsync();
        await chat.AskAsync("q1", "deaf", "Something lengthy to tell?");
        await chat.EndOfAsync("q1");
        var resume = Encoding.UTF8.GetBytes("{\"type\":\"resume\",\"conversation\":\"deaf\",\"after\":0}");
        var cut = Task.Run(async () =>
        {
            try
            {
                while (true)
                {
                    await deaf.SendFrameAsync(0x81, resume);
                }
            }
            catch (IOException)
            {
                return true;
            }
        }, TestContext.Current.CancellationToken);

        // The others go on meanwhile.
        for (var i = 0; !cut.IsCompleted && i < 200; i++)
        {
            await chat.AskAsync($"next-{i}", "deaf-other", "Still answered?");
            ((string?)(await chat.EndOfAsync($"next-{i}"))[^1]["type"]).ShouldBe("completed");
        }

        (await cut.WaitAsync(TestKit.Retry.Patience, TestContext.Current.CancellationToken)).ShouldBeTrue();
    }
}
