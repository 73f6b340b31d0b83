using System.Net;
using System.Text.Json.Nodes;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Documents;

/// <summary>Who may read a document, by the roles that a caller acts with.</summary>
public sealed class AccessTests(OpenNode node)
{
    [Fact]
    public async Task A_change_of_readers_holds_for_every_search_that_starts_afterwards()
    {
        using var admin = node.Caller();
        using var customer = node.Caller(roles: "customer");
        await admin.IndexAsync("access", "The bettongword is open to all.");
        (await customer.SearchAsync("bettongword")).ShouldBe(["access"]);
        foreach (var _ in Enumerable.Range(0, 5))
        {
            (await admin.PutAsync("/api/v1/documents/access/access", Readers("adviser"))).Expect(HttpStatusCode.OK);
            (await customer.SearchAsync("bettongword")).ShouldBeEmpty();
            (await admin.PutAsync("/api/v1/documents/access/access", Readers("adviser", "customer"))).Expect(HttpStatusCode.OK);
            (await customer.SearchAsync("bettongword")).ShouldBe(["access"]);
        }

        (await admin.PutAsync("/api/v1/documents/access/access", Readers())).Expect(HttpStatusCode.OK);
        (await customer.SearchAsync("bettongword")).ShouldBe(["access"]);
    }

    [Fact]
    public async Task What_is_forbidden_looks_like_what_is_not_there()
    {
        using var admin = node.Caller();
        using var customer = node.Caller(roles: "customer");
        await admin.IndexAsync("secret", "The wallarooword is for underwriters.", readers: "underwriter");
        foreach (var path in new[] { "", "/text", "/versions/1/text", "/events" })
        {
            var forbidden = await customer.GetAsync($"/api/v1/documents/secret{path}");
            var absent = await customer.GetAsync($"/api/v1/documents/nosuch{path}");
            forbidden.Status.ShouldBe(HttpStatusCode.NotFound);
            WithoutTrace(forbidden.Json).ShouldBe(WithoutTrace(absent.Json));
        }

        (await customer.SearchAsync("wallarooword")).ShouldBeEmpty();
        (await customer.ListAsync("&q=secret")).ShouldBeEmpty();
        (await customer.SearchAsync("wallarooword", "&document=secret")).ShouldBeEmpty();

        // No answer is built on it, and no conversation of a customer shows it.
        var answer = (await customer.PostAsync("/api/v1/conversations/access-1/messages", new JsonObject { ["text"] = "Who is the wallarooword for?", ["wait"] = true })).Expect(HttpStatusCode.OK);
        answer["answer"]!["citations"]!.AsArray().ShouldAllBe(c => (string?)c!["document"] != "secret");
        await using var events = await customer.FollowAsync("/api/v1/conversations/access-1/events");
        (await events.UntilAsync(e => (string?)e["type"] == "completed")).ShouldAllBe(e => !e.Data.ToJsonString().Contains("underwriters", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_document_that_becomes_forbidden_is_announced_no_more()
    {
        using var admin = node.Caller();
        using var customer = node.Caller(roles: "customer");
        await using var watch = await customer.FollowAsync("/api/v1/events");
        await admin.IndexAsync("hidden-event", "The kowariword.", readers: "underwriter");
        await admin.IndexAsync("shown-event", "The mulgaraword.");
        var heard = await watch.UntilAsync(row => (string?)row["id"] == "shown-event" && (string?)row["status"] == "indexed");
        heard.ShouldAllBe(e => (string?)e.Data["id"] != "hidden-event");
    }

    [Fact]
    public async Task Only_administrators_change_documents()
    {
        using var admin = node.Caller();
        using var adviser = node.Caller(roles: "adviser");
        await admin.IndexAsync("guarded", "The quendaword.");
        (await adviser.PutDocumentAsync("guarded", "Mine now.")).ExpectProblem(HttpStatusCode.Forbidden, "forbidden");
        (await adviser.DeleteAsync("/api/v1/documents/guarded")).ExpectProblem(HttpStatusCode.Forbidden, "forbidden");
        (await adviser.PutAsync("/api/v1/documents/guarded/access", Readers())).ExpectProblem(HttpStatusCode.Forbidden, "forbidden");
        (await adviser.PostAsync("/api/v1/documents/guarded/retry", new JsonObject())).ExpectProblem(HttpStatusCode.Forbidden, "forbidden");
        using var form = new MultipartFormDataContent { { new StringContent("x"), "file", "x.txt" } };
        (await adviser.SendAsync(HttpMethod.Post, "/api/v1/documents", form)).ExpectProblem(HttpStatusCode.Forbidden, "forbidden");
        (await admin.PutAsync("/api/v1/documents/guarded/access", new JsonObject())).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await admin.PutAsync("/api/v1/documents/guarded/access", new JsonObject { ["readers"] = "all" })).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
    }

    private static JsonObject Readers(params string[] roles) => new() { ["readers"] = new JsonArray([.. roles.Select(r => JsonValue.Create(r))]) };

    private static string WithoutTrace(JsonNode problem)
    {
        problem.AsObject().Remove("traceId");
        return problem.ToJsonString();
    }
}
