using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using RagCluster.Configuration.Options;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Http;

/// <summary>Whatever goes wrong is a problem document of RFC 9457.</summary>
public sealed class ProblemTests(OpenNode node)
{
    [Theory]
    [InlineData("{\"text\": ")]
    [InlineData("{\"text\": 7}")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("")]
    public async Task A_body_that_is_not_what_is_expected_is_400(string body)
    {
        using var caller = node.Caller();
        (await caller.SendAsync(HttpMethod.Post, "/api/v1/conversations/c/messages", new StringContent(body, Encoding.UTF8, "application/json")))
            .ExpectProblem(HttpStatusCode.BadRequest, "invalid");
    }

    [Theory]
    [InlineData("/api/v1/search")]
    [InlineData("/api/v1/search?q=")]
    [InlineData("/api/v1/search?q=x&k=0")]
    [InlineData("/api/v1/search?q=x&k=201")]
    [InlineData("/api/v1/search?q=x&k=ten")]
    [InlineData("/api/v1/search?q=x&mode=magic")]
    [InlineData("/api/v1/search?q=x&mode=7")]
    [InlineData("/api/v1/documents?status=99")]
    [InlineData("/api/v1/conversations/c/events?after=-1")]
    public async Task A_parameter_out_of_range_is_400(string path)
    {
        using var caller = node.Caller();
        (await caller.GetAsync(path)).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
    }

    [Fact]
    public async Task A_query_or_id_that_is_too_long_is_400()
    {
        using var caller = node.Caller();
        (await caller.GetAsync("/api/v1/search?q=" + new string('a', 4_001))).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await caller.GetAsync("/api/v1/documents/" + new string('a', 257))).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await caller.PutDocumentAsync(new string('a', 257), "x")).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await caller.GetAsync("/api/v1/conversations/" + new string('a', 257))).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await caller.PostAsync("/api/v1/conversations/c/messages", new JsonObject { ["text"] = "x" }, ("Idempotency-Key", new string('k', 257)))).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
    }

    [Fact]
    public async Task What_is_not_there_or_not_so_is_404_405_and_415()
    {
        using var caller = node.Caller();
        foreach (var path in new[] { "/none", "/api/v1/none", "/api/v2/documents", "/api/v1/documents/none", "/api/v1/conversations/none", "/index.htm", "/..%2fetc/passwd", "/wwwroot/index.html" })
        {
            (await caller.GetAsync(path)).ExpectProblem(HttpStatusCode.NotFound, "not-found");
        }

        (await caller.DeleteAsync("/api/v1/search")).ExpectProblem(HttpStatusCode.MethodNotAllowed, "method-not-allowed");
        (await caller.PostAsync("/api/v1/documents/x", new JsonObject())).ExpectProblem(HttpStatusCode.MethodNotAllowed, "method-not-allowed");
        (await caller.SendAsync(HttpMethod.Post, "/api/v1/conversations/c/messages", new StringContent("{\"text\":\"x\"}"))).ExpectProblem(HttpStatusCode.UnsupportedMediaType, "unsupported-media-type");
    }

    [Fact]
    public async Task Too_many_requests_of_one_user_are_429_and_documents_are_spared()
    {
        await using var eager = new EagerNode();
        await eager.InitializeAsync();
        using var caller = eager.Caller();
        var replies = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => caller.GetAsync("/api/v1/me")));
        var refused = replies.Where(r => r.Status == HttpStatusCode.TooManyRequests).ToList();
        refused.Count.ShouldBeInRange(1, 9);
        foreach (var reply in refused)
        {
            reply.ExpectProblem(HttpStatusCode.TooManyRequests, "too-many-requests");
            reply.Message.Headers.RetryAfter.ShouldNotBeNull().Delta.ShouldNotBeNull().TotalSeconds.ShouldBeGreaterThan(0);
        }

        (await Task.WhenAll(Enumerable.Range(0, 12).Select(i => caller.PutDocumentAsync($"d{i}", "x")))).ShouldAllBe(r => r.Status == HttpStatusCode.Accepted);
    }

    /// <summary>Takes three requests at once, and few connections.</summary>
    private sealed class EagerNode : RunningNode
    {
        protected override RagClusterOptions Configure(RagClusterOptions options) =>
            options with { Limits = options.Limits with { RequestsPerSecond = 1, Burst = 3 } };
    }
}
