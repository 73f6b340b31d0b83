using System.Net;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Identity;

/// <summary>A node without tokens serves its own machine, and no web page of elsewhere through its user's browser.</summary>
public sealed class OpenModeTests(OpenNode node)
{
    [Fact]
    public async Task Its_own_machine_comes_in_under_each_of_its_names()
    {
        foreach (var host in new[] { $"127.0.0.1:{node.Url.Port}", $"localhost:{node.Url.Port}", $"[::1]:{node.Url.Port}", "LOCALHOST" })
        {
            (await GetAsync(host)).Status.ShouldBe(200, host);
        }
    }

    [Theory]
    [InlineData("evil.example.org")]
    [InlineData("127.0.0.1.evil.example.org")]
    [InlineData("localhost.evil.example.org")]
    [InlineData("10.0.0.1")]
    [InlineData("0.0.0.0")]
    public async Task A_name_that_was_made_to_point_here_is_refused(string host)
    {
        foreach (var name in new[] { host, $"{host}:{node.Url.Port}" })
        {
            var answer = await GetAsync(name);
            answer.Status.ShouldBe(403, name);
            answer.Text.ShouldContain("application/problem+json");
            (await GetAsync(name, path: "/")).Status.ShouldBe(403);
            (await UpgradeAsync(name, null)).Status.ShouldBe(403);
        }
    }

    [Theory]
    [InlineData("https://evil.example.org")]
    [InlineData("null")]
    [InlineData("http://127.0.0.1:1")]
    [InlineData("file://")]
    public async Task A_foreign_page_is_refused_on_HTTP_and_on_the_WebSocket(string origin)
    {
        using var caller = node.Caller();
        (await caller.GetAsync("/api/v1/me", ("Origin", origin))).ExpectProblem(HttpStatusCode.Forbidden, "forbidden");
        (await caller.SendAsync(HttpMethod.Post, "/v1/embeddings", null, ("Origin", origin))).Status.ShouldBe(HttpStatusCode.Forbidden);
        (await UpgradeAsync(node.Url.Authority, origin)).Status.ShouldBe(403);
    }

    [Fact]
    public async Task Its_own_page_comes_in()
    {
        using var caller = node.Caller();
        (await caller.GetAsync("/api/v1/me", ("Origin", $"http://{node.Url.Authority}"))).Expect(HttpStatusCode.OK);
        await using var chat = await Chat.OpenAsync(node.Url, options => options.SetRequestHeader("Origin", $"http://{node.Url.Authority}"));
        await chat.SendAsync(new { type = "ping" });
        await chat.ExpectAsync("pong");
    }

    [Fact]
    public async Task Roles_are_narrowed_and_never_widened()
    {
        using var all = node.Caller();
        string[] full = [.. (await all.GetAsync("/api/v1/me")).Json["roles"]!.AsArray().Select(r => (string)r!)];
        full.ShouldContain("admin");
        foreach (var (asked, given) in new[] { ("adviser", "adviser"), ("adviser,root", "adviser"), ("ROOT", ""), ("", ""), (" customer , adviser ", "adviser,customer") })
        {
            using var caller = node.Caller();
            var me = (await caller.GetAsync("/api/v1/me", ("X-RagCluster-Roles", asked))).Expect(HttpStatusCode.OK);
            string.Join(",", me["roles"]!.AsArray().Select(r => (string?)r)).ShouldBe(given, asked);
            me = (await caller.GetAsync("/api/v1/me?roles=" + Uri.EscapeDataString(asked))).Expect(HttpStatusCode.OK);
            string.Join(",", me["roles"]!.AsArray().Select(r => (string?)r)).ShouldBe(given, asked);
        }
    }

    private Task<(int Status, string Text)> GetAsync(string host, string path = "/api/v1/me") =>
        RawConnection.RequestAsync(node.Url, $"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");

    private Task<(int Status, string Text)> UpgradeAsync(string host, string? origin) => RawConnection.RequestAsync(
        node.Url,
        $"GET /api/v1/ws HTTP/1.1\r\nHost: {host}\r\n{(origin is null ? "" : $"Origin: {origin}\r\n")}Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
}
