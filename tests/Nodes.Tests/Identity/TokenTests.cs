using System.Net;
using System.Net.WebSockets;
using System.Text.Json.Nodes;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Identity;

/// <summary>With tokens, the token alone says who somebody is.</summary>
public sealed class TokenTests(TokenNode node)
{
    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("Bearer ")]
    [InlineData("Bearer wrong")]
    [InlineData("Basic bm9ydGgtYWRtaW4tdG9rZW46")]
    [InlineData("north-admin-token")]
    public async Task Without_a_valid_token_nobody_comes_in(string? authorization)
    {
        using var caller = node.Caller();
        (string, string)[] headers = authorization is null ? [] : [("Authorization", authorization)];
        foreach (var path in new[] { "/api/v1/me", "/api/v1/documents", "/api/v1/conversations", "/api/v1/search?q=x", "/api/v1/events", "/api/v1/ws" })
        {
            var reply = await caller.GetAsync(path, headers);
            reply.ExpectProblem(HttpStatusCode.Unauthorized, "unauthorized");
            reply.Message.Headers.WwwAuthenticate.ToString().ShouldBe("Bearer");
        }

        (await caller.GetAsync("/api/v1/documents?roles=admin&token=" + TokenNode.NorthAdmin, headers)).Status.ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_token_comes_in_by_its_header_or_as_a_subprotocol()
    {
        using var caller = node.Caller(TokenNode.NorthClerk);
        var me = (await caller.GetAsync("/api/v1/me")).Expect(HttpStatusCode.OK);
        me.ToJsonString().ShouldBe("""{"tenant":"north","user":"carl","roles":["clerk"],"open":false}""");

        await using (var browser = await Chat.OpenAsync(node.Url, TokenNode.NorthClerk))
        {
            // The token itself is not sent back.
            browser.Socket.SubProtocol.ShouldBe("ragcluster.v1");
            await browser.SendAsync(new { type = "ping" });
            await browser.ExpectAsync("pong");
        }

        await using var program = await Chat.OpenAsync(node.Url, options => options.SetRequestHeader("Authorization", "Bearer " + TokenNode.NorthClerk));
        await program.SendAsync(new { type = "ping" });
        await program.ExpectAsync("pong");
        await Should.ThrowAsync<WebSocketException>(() => Chat.OpenAsync(node.Url, "wrong"));
        await Should.ThrowAsync<WebSocketException>(() => Chat.OpenAsync(node.Url));
    }

    [Fact]
    public async Task Roles_of_a_token_are_never_widened()
    {
        using var clerk = node.Caller(TokenNode.NorthClerk, roles: "admin,clerk");
        (await clerk.GetAsync("/api/v1/me")).Json["roles"]!.AsArray().Select(r => (string?)r).ShouldBe(["clerk"]);
        (await clerk.PutDocumentAsync("widened", "x")).ExpectProblem(HttpStatusCode.Forbidden, "forbidden");
    }

    [Fact]
    public async Task Tenants_never_meet()
    {
        using var north = node.Caller(TokenNode.NorthAdmin);
        using var south = node.Caller(TokenNode.SouthAdmin);
        await using var watch = await south.FollowAsync("/api/v1/events");

        // The same ids on both sides, and the tenant named wherever somebody could think that it counts.
        await north.IndexAsync("shared-id", "The numbatnorth fact is 11.");
        (await south.GetAsync("/api/v1/documents/shared-id", ("X-RagCluster-Tenant", "north"))).ExpectProblem(HttpStatusCode.NotFound, "not-found");
        (await south.GetAsync("/api/v1/documents/north%2Fshared-id")).ExpectProblem(HttpStatusCode.NotFound, "not-found");
        (await south.GetAsync("/api/v1/documents/shared-id?tenant=north")).ExpectProblem(HttpStatusCode.NotFound, "not-found");
        await south.IndexAsync("shared-id", "The numbatsouth fact is 2222.");

        (await north.SearchAsync("numbatnorth")).ShouldBe(["shared-id"]);
        (await south.SearchAsync("numbatnorth")).ShouldBeEmpty();
        (await south.SearchAsync("numbatnorth", "&document=shared-id&tenant=north")).ShouldBeEmpty();
        ((string?)(await south.GetAsync("/api/v1/documents/shared-id/text")).Json["text"]).ShouldNotBeNull().ShouldNotContain("north");
        (await south.ListAsync()).Select(d => (string?)d["id"]).ShouldBe(["shared-id"]);
        var heard = await watch.UntilAsync(row => (string?)row["status"] == "indexed");
        heard.ShouldAllBe(e => ((string)e.Data["source"]!).Length > 0 && (long)e.Data["bytes"]! == "The numbatsouth fact is 2222.".Length);

        (await north.PostAsync("/api/v1/conversations/shared-talk/messages", Ask("What is the numbatnorth fact?"))).Expect(HttpStatusCode.OK);
        (await south.GetAsync("/api/v1/conversations/shared-talk")).ExpectProblem(HttpStatusCode.NotFound, "not-found");
        var answer = (await south.PostAsync("/api/v1/conversations/shared-talk/messages", Ask("What is the numbatnorth fact?"))).Expect(HttpStatusCode.OK);
        ((string?)answer["answer"]!["answer"]).ShouldNotBeNull().ShouldNotContain("11");
        (await south.PostAsync("/v1/chat/completions", JsonNode.Parse("""{"messages": [{"role": "user", "content": "What is the numbatnorth fact?"}], "user": "north/ada"}""")!))
            .Expect(HttpStatusCode.OK)["choices"]!.ToJsonString().ShouldNotContain("is 11");
        (await south.DeleteAsync("/api/v1/documents/shared-id")).Status.ShouldBe(HttpStatusCode.NoContent);
        (await north.SearchAsync("numbatnorth")).ShouldBe(["shared-id"]);
    }

    [Fact]
    public async Task Another_user_sees_nothing_of_a_conversation()
    {
        using var ada = node.Caller(TokenNode.NorthAdmin);
        using var carl = node.Caller(TokenNode.NorthClerk);
        (await ada.PostAsync("/api/v1/conversations/private/messages", Ask("Is this private?"))).Expect(HttpStatusCode.OK);
        foreach (var id in new[] { "private", "no-such" })
        {
            (await carl.GetAsync($"/api/v1/conversations/{id}")).ExpectProblem(HttpStatusCode.NotFound, "not-found");
            (await carl.GetAsync($"/api/v1/conversations/{id}/events")).ExpectProblem(HttpStatusCode.NotFound, "not-found");
            (await carl.PostAsync($"/api/v1/conversations/{id}/feedback", new JsonObject { ["question"] = "q", ["rating"] = "up" })).ExpectProblem(HttpStatusCode.NotFound, "not-found");
            (await carl.PostAsync($"/api/v1/conversations/{id}/messages/q/cancel", new JsonObject())).ExpectProblem(HttpStatusCode.NotFound, "not-found");
            await using var chat = await carl.ChatAsync();
            await chat.ResumeAsync(id, 0);
            ((string?)(await chat.ExpectAsync("error"))["code"]).ShouldBe("not-found");
        }

        await using (var chat = await carl.ChatAsync())
        {
            await chat.AskAsync("mine", "private", "May I join?");
            ((string?)(await chat.ExpectAsync("error"))["code"]).ShouldBe("not-found");
        }

        (await carl.PostAsync("/api/v1/conversations/private/messages", Ask("May I join?"))).ExpectProblem(HttpStatusCode.NotFound, "not-found");
        await TestKit.Retry.Until("ada's list has it", async () => (await ada.GetAsync("/api/v1/conversations")).Body.Contains("\"private\"", StringComparison.Ordinal));
        (await carl.GetAsync("/api/v1/conversations")).Body.ShouldNotContain("\"private\"");
    }

    [Fact]
    public async Task A_configured_origin_may_call_and_read_and_no_other()
    {
        using var caller = node.Caller(TokenNode.NorthClerk);
        var allowed = await caller.GetAsync("/api/v1/me", ("Origin", "https://chat.example.org"));
        allowed.Expect(HttpStatusCode.OK);
        allowed.Message.Headers.GetValues("Access-Control-Allow-Origin").ShouldBe(["https://chat.example.org"]);

        using var browser = node.Caller();
        var preflight = await browser.SendAsync(
            HttpMethod.Options, "/api/v1/documents/x", null, ("Origin", "https://chat.example.org"), ("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "authorization,x-ragcluster-roles"));
        preflight.Status.ShouldBe(HttpStatusCode.NoContent);
        preflight.Message.Headers.GetValues("Access-Control-Allow-Headers").ShouldContain(v => v.Contains("authorization", StringComparison.OrdinalIgnoreCase));
        var foreign = await caller.GetAsync("/api/v1/me", ("Origin", "https://evil.example.org"));
        foreign.ExpectProblem(HttpStatusCode.Forbidden, "forbidden");
        foreign.Message.Headers.Contains("Access-Control-Allow-Origin").ShouldBeFalse();
    }

    private static JsonObject Ask(string text) => new() { ["text"] = text, ["wait"] = true };
}
