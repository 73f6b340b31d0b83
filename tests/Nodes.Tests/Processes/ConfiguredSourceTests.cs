using System.Net;
using RagCluster.Nodes.Tests.Running;
using RagCluster.TestKit;
using RagCluster.TestKit.Web;

namespace RagCluster.Nodes.Tests.Processes;

/// <summary>Pages that a node visits by itself, as its configuration says.</summary>
public sealed class ConfiguredSourceTests
{
    [Fact]
    public async Task Pages_are_visited_again_and_again_and_asked_for_only_if_they_changed()
    {
        var page = SiteResponse.Html("<title>Fees</title><p>The potoroo policy pays 61 crowns a day.</p>", ("ETag", "\"1\""));
        await using var site = new LoopbackSite(r => r.Path != "/fees.html" ? SiteResponse.Missing : r.Header("If-None-Match") == "\"1\"" ? new SiteResponse(304, []) : page);
        using var folder = new TemporaryFolder();
        await using var node = await Ragcluster.ServeAsync(
            folder.Path,
            "-D", "ragcluster.ingestion.web.allow-networks=[\"127.0.0.0/8\"]",
            "-D", "ragcluster.ingestion.web.ports=[]",
            "-D", "ragcluster.ingestion.web.min-interval=0",
            "-D", $"ragcluster.ingestion.web.sources=[{{ name = site, urls = [\"{site.Url}fees.html\"], revisit = 10s }}]");
        using var caller = new Caller(node.Url);
        await Retry.Until("the page can be found", async () =>
            (await caller.GetAsync("/api/v1/search?q=potoroo")).Expect(HttpStatusCode.OK)["passages"]!.AsArray().Count > 0);
        await Retry.Until("the page was asked for again, by its ETag", () => site.Requests.Any(r => r.Header("If-None-Match") == "\"1\""));
    }
}
