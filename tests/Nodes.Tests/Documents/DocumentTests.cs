using System.Net;
using System.Text.Json.Nodes;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Documents;

public sealed class DocumentTests(OpenNode node)
{
    [Fact]
    public async Task Progress_is_a_stream_of_numbered_events_that_goes_on_after_any_of_them()
    {
        using var caller = node.Caller();
        await caller.IndexAsync("progress", "The echidna is watched.");
        await using var stream = await caller.FollowAsync("/api/v1/documents/progress/events");
        var all = await stream.UntilAsync(IsIndexed);
        all.Select(e => e.Id).ShouldBe(Enumerable.Range(1, all.Count).Select(n => $"{n}"));
        all.Select(e => (string?)e.Data["type"]).ShouldBe(["document-received", .. Enumerable.Repeat("document-progressed", all.Count - 1)]);
        all.Count.ShouldBe(5, "received, parsed, chunked, embedded, indexed");

        for (var after = 0; after < all.Count; after++)
        {
            await using var rest = await caller.FollowAsync("/api/v1/documents/progress/events", ("Last-Event-ID", $"{after}"));
            (await rest.UntilAsync(IsIndexed)).Select(e => e.Data.ToJsonString()).ShouldBe(all.Skip(after).Select(e => e.Data.ToJsonString()));
        }

        (await caller.GetAsync("/api/v1/documents/progress/events", ("Last-Event-ID", "99"))).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await caller.GetAsync("/api/v1/documents/progress/events", ("Last-Event-ID", "next"))).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await caller.GetAsync("/api/v1/documents/absent/events")).ExpectProblem(HttpStatusCode.NotFound, "not-found");
    }

    [Fact]
    public async Task A_watcher_of_all_documents_hears_of_each_until_its_end()
    {
        using var caller = node.Caller();
        await using var watch = await caller.FollowAsync("/api/v1/events");
        await caller.PutDocumentAsync("watched", "The dunnart is watched.");
        var heard = await watch.UntilAsync(row => (string?)row["id"] == "watched" && (string?)row["status"] == "indexed");
        heard.ShouldAllBe(e => e.Event == "document");
    }

    [Fact]
    public async Task A_list_has_each_document_once_whatever_the_page_size()
    {
        using var caller = node.Caller();
        string[] ids = [.. Enumerable.Range(0, 23).Select(i => $"paged-{i}")];
        await Task.WhenAll(ids.Select(id => caller.PutDocumentAsync(id, $"Numbered {id}.", "Paged potoroo.txt")));
        await Task.WhenAll(ids.Select(id => caller.EndAsync(id, "indexed")));
        await TestKit.Retry.Until("the list has them all", async () => (await caller.ListAsync("&q=potoroo&status=indexed")).Count == ids.Length);

        foreach (var limit in new[] { 1, 5, 23, 500 })
        {
            var listed = await caller.ListAsync("&q=potoroo", limit);
            listed.Select(d => (string)d["id"]!).Order(StringComparer.Ordinal).ShouldBe(ids.Order(StringComparer.Ordinal));
            listed.Select(d => (DateTimeOffset)d["receivedAt"]!).ShouldBeInOrder(SortDirection.Descending);
        }

        (await caller.ListAsync("&q=potoroo&status=failed")).ShouldBeEmpty();
        (await caller.GetAsync("/api/v1/documents?limit=0")).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await caller.GetAsync("/api/v1/documents?limit=many")).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await caller.GetAsync("/api/v1/documents?status=lost")).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
        (await caller.GetAsync("/api/v1/documents?after=nonsense")).ExpectProblem(HttpStatusCode.BadRequest, "invalid");
    }

    [Fact]
    public async Task What_is_deleted_is_not_found_by_any_search_that_starts_afterwards()
    {
        using var caller = node.Caller();
        foreach (var round in Enumerable.Range(1, 5))
        {
            await caller.IndexAsync("deleted", $"The gliderword appears in round {round}.");
            (await caller.SearchAsync("gliderword")).ShouldBe(["deleted"]);
            (await caller.DeleteAsync("/api/v1/documents/deleted")).Status.ShouldBe(HttpStatusCode.NoContent);
            (await caller.SearchAsync("gliderword")).ShouldBeEmpty();
            (await caller.GetAsync("/api/v1/documents/deleted")).ExpectProblem(HttpStatusCode.NotFound, "not-found");
            (await caller.GetAsync("/api/v1/documents/deleted/text")).ExpectProblem(HttpStatusCode.NotFound, "not-found");
        }

        (await caller.DeleteAsync("/api/v1/documents/deleted")).ExpectProblem(HttpStatusCode.NotFound, "not-found");
    }

    [Fact]
    public async Task What_is_replaced_while_it_is_deleted_ends_as_the_newer_of_the_two()
    {
        using var caller = node.Caller();
        foreach (var round in Enumerable.Range(1, 5))
        {
            await caller.IndexAsync("replaced", $"The quollword of round {round}.");
            var delete = caller.DeleteAsync("/api/v1/documents/replaced");
            var put = caller.PutDocumentAsync("replaced", $"The quollword of the second half of round {round}.");
            (await delete.WaitAsync(TestKit.Retry.Patience, TestContext.Current.CancellationToken)).Status.ShouldBe(HttpStatusCode.NoContent);
            (await put).Expect(HttpStatusCode.Accepted);
        }
    }

    [Fact]
    public async Task A_failed_document_is_tried_again_on_demand()
    {
        using var caller = node.Caller();
        (await caller.PutDocumentAsync("retried", "   ")).Expect(HttpStatusCode.Accepted);
        await caller.EndAsync("retried", "failed");
        (await caller.PostAsync("/api/v1/documents/retried/retry", new JsonObject())).Expect(HttpStatusCode.Accepted);
        await using var stream = await caller.FollowAsync("/api/v1/documents/retried/events");
        var failures = 0;
        var events = await stream.UntilAsync(e => (string?)e["type"] == "document-failed" && ++failures == 2);
        events.Select(e => (string?)e.Data["type"]).ShouldBe(["document-received", "document-failed", "document-retried", "document-failed"]);
        (await caller.PostAsync("/api/v1/documents/absent/retry", new JsonObject())).ExpectProblem(HttpStatusCode.NotFound, "not-found");
    }

    private static bool IsIndexed(JsonNode e) => (string?)e["reached"]?["step"] == "indexed";
}
