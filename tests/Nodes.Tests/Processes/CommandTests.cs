using System.Net;
using System.Text.Json.Nodes;
using RagCluster.Nodes.Tests.Running;
using RagCluster.TestKit.Web;

namespace RagCluster.Nodes.Tests.Processes;

/// <summary>The commands against a node that runs, found by its data folder.</summary>
public sealed class CommandTests(CommandTests.Served served) : IClassFixture<CommandTests.Served>
{
    /// <summary>A node in a process of its own with one document.</summary>
    public sealed class Served : IAsyncLifetime
    {
        public TemporaryFolder Folder { get; } = new();

        public Ragcluster Node { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Node = await Ragcluster.ServeAsync(Folder.Path);
            using var caller = new Caller(Node.Url);
            await caller.IndexAsync("command-1", "The cuscus policy pays 31 crowns a day.");
        }

        public async ValueTask DisposeAsync()
        {
            await Node.DisposeAsync();
            Folder.Dispose();
        }
    }

    private string Data => served.Folder.Path;

    [Fact]
    public async Task Ask_finds_the_running_node_and_answers_in_text_and_in_JSON()
    {
        var text = (await Ragcluster.RunAsync("ask", "--data", Data, "What does the cuscus policy pay?")).Expect(0);
        text.Output.ShouldContain("31 crowns");
        text.Output.ShouldContain("[1] ");
        text.Error.ShouldBeEmpty();

        var json = (await Ragcluster.RunWithAsync("What does the cuscus policy pay?\n", "ask", "--data", Data, "--json", "--conversation", "from-ask")).Expect(0);
        var answer = JsonNode.Parse(json.Output)!;
        ((string?)answer["answer"]!["answer"]).ShouldNotBeNull().ShouldContain("31 crowns");
        using var caller = new Caller(served.Node.Url);
        (await caller.GetAsync("/api/v1/conversations/from-ask")).Expect(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Pages_are_taken_in_by_their_address_and_by_sitemap_and_none_of_the_inside()
    {
        await using var site = new LoopbackSite(r => r.Path switch
        {
            "/pages.xml" => SiteResponse.Text($"<urlset><url><loc>http://{r.Header("Host")}/b.html</loc></url></urlset>"),
            "/a.html" => SiteResponse.Html("<title>A</title><p>The wombat policy pays 47 crowns a day.</p>"),
            "/b.html" => SiteResponse.Html("<title>B</title><p>The numbat policy pays 53 crowns a day.</p>"),
            _ => SiteResponse.Missing,
        });
        var refused = (await Ragcluster.RunAsync("ingest", "--data", Data, $"{site.Url}a.html")).Expect(3);
        (refused.Output + refused.Error).ShouldContain("address-refused");
        site.Requests.ShouldBeEmpty();
        string[] inside = ["-D", "ragcluster.ingestion.web.allow-networks=[\"127.0.0.0/8\"]", "-D", "ragcluster.ingestion.web.ports=[]", "-D", "ragcluster.ingestion.web.min-interval=0"];
        (await Ragcluster.RunAsync(["ingest", "--data", Data, $"{site.Url}a.html", "--sitemap", $"{site.Url}pages.xml", .. inside])).Expect(0);
        (await Ragcluster.RunAsync("search", "--data", Data, "wombat")).Expect(0).Output.ShouldContain("47 crowns");
        (await Ragcluster.RunAsync("search", "--data", Data, "numbat")).Expect(0).Output.ShouldContain("53 crowns");
        (await Ragcluster.RunAsync("ingest", "--data", Data)).Expect(2).Error.ShouldContain("nothing to take in");
        (await Ragcluster.RunAsync("ingest", "--data", Data, "http://user:secret@example.org/")).Expect(2).Error.ShouldContain("user name or password");
    }

    [Fact]
    public async Task Search_prints_passages_in_text_and_in_JSON()
    {
        (await Ragcluster.RunAsync("search", "--data", Data, "cuscus")).Expect(0).Output.ShouldContain("31 crowns");
        var found = JsonNode.Parse((await Ragcluster.RunAsync("search", "--node", served.Node.Url.ToString(), "--json", "--mode", "lexical", "cuscus")).Expect(0).Output)!;
        found["passages"]!.AsArray().Select(p => (string?)p!["document"]).ShouldBe(["command-1"]);
        var explained = (await Ragcluster.RunAsync("search", "--data", Data, "--explain", "+cuscus -nosuchword")).Expect(0).Output;
        explained.ShouldContain("by words");
        explained.ShouldContain("idf");
        (await Ragcluster.RunAsync("search", "--data", Data, "--mode", "magic", "cuscus")).Expect(2).Error.ShouldContain("magic");
    }

    [Fact]
    public async Task Chat_asks_each_line_that_is_piped_in()
    {
        const string lines = "What does the cuscus policy pay?\n\nWhat does it pay a day?\n";
        (await Ragcluster.RunWithAsync(lines, "chat", "--data", Data)).Expect(0).Output.Split("31 crowns").Length.ShouldBeGreaterThan(2);
        var frames = (await Ragcluster.RunWithAsync(lines, "chat", "--data", Data, "--json")).Expect(0).Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!).ToList();
        frames.Count(f => (string?)f["type"] == "completed").ShouldBe(2);
        frames.ShouldBeDense(2);
    }

    [Fact]
    public async Task Ingest_tells_what_failed_and_why_and_exits_with_3()
    {
        using var folder = new TemporaryFolder();
        folder.Write("good.md", "# Good\n\nThe sugarglider policy.");
        folder.Write("sub/also-good.txt", "The feathertail policy.");
        folder.Write("empty.txt", "");
        folder.Write("broken.pdf", "%PDF-1.4 and no more");
        var text = (await Ragcluster.RunAsync("ingest", "--data", Data, folder.Path)).Expect(3);
        text.Error.ShouldContain("failed: empty.txt: ");
        text.Error.ShouldContain("failed: broken.pdf: ");
        text.Error.ShouldContain("2 indexed");
        text.Output.ShouldBeEmpty();

        var lines = (await Ragcluster.RunAsync("ingest", "--data", Data, "--json", folder.Path)).Expect(3).Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonNode.Parse(l)!).ToList();
        lines[..^1].Select(l => $"{l["name"]} {l["outcome"]}").Order(StringComparer.Ordinal)
            .ShouldBe(["broken.pdf failed", "empty.txt failed", "good.md unchanged", "sub/also-good.txt unchanged"]);
        ((int?)lines[^1]["failed"]).ShouldBe(2);
        lines.Where(l => (string?)l["outcome"] == "failed").ShouldAllBe(l => ((string)l!["detail"]!).Length > 10 && ((string)l["code"]!).Length > 0);

        (await Ragcluster.RunAsync("ingest", "--data", Data, folder.File("good.md"))).Expect(0).Error.ShouldContain("1 unchanged");
        (await Ragcluster.RunAsync("ingest", "--data", Data, folder.File("absent.md"))).Expect(1).Error.ShouldContain("absent.md");
    }

    [Fact]
    public async Task A_restricted_file_stays_so_when_it_is_named_alone()
    {
        using var folder = new TemporaryFolder();
        folder.Write("access.json", """{"secret/**": ["underwriter"]}""");
        var file = folder.Write("secret/rates.md", "The antechinusword rate.");
        (await Ragcluster.RunAsync("ingest", "--data", Data, file)).Expect(0);
        using var caller = new Caller(served.Node.Url);
        using var customer = new Caller(served.Node.Url, roles: "customer");
        (await caller.SearchAsync("antechinusword")).Count.ShouldBe(1);
        (await customer.SearchAsync("antechinusword")).ShouldBeEmpty();
    }

    [Fact]
    public async Task What_cannot_be_done_says_why_and_exits_with_1_or_2()
    {
        (await Ragcluster.RunAsync("frobnicate")).Expect(2).Error.ShouldContain("frobnicate");
        (await Ragcluster.RunAsync("ask", "--data", Data, "--no-such-option")).Expect(2).Error.ShouldContain("--no-such-option");
        (await Ragcluster.RunAsync("ask", "--data", Data)).Expect(2).Error.ShouldContain("There is no question");
        (await Ragcluster.RunAsync("ask", "--node", "http://127.0.0.1:1", "x")).Expect(1).Error.ShouldContain("cannot be reached");
        (await Ragcluster.RunAsync("ask", "--node", "nonsense", "x")).Expect(2).Error.ShouldContain("nonsense");
        (await Ragcluster.RunWithAsync(new string('a', 1 << 20), "ask", "--data", Data)).Expect(1).Error.ShouldContain("1048576 characters");
    }

    [Fact]
    public async Task A_second_node_on_the_folder_or_the_port_is_refused()
    {
        var second = (await Ragcluster.RunAsync(Ragcluster.Serve(Data))).Expect(1);
        second.Error.ShouldContain(Data);
        second.Error.ShouldContain($"{served.Node.ProcessId}");
        second.Error.ShouldNotContain("   at ");

        using var other = new TemporaryFolder();
        var port = (await Ragcluster.RunAsync([.. Ragcluster.Serve(other.Path), "-D", $"ragcluster.http.port={served.Node.Url.Port}"])).Expect(1);
        port.Error.ShouldContain($"{served.Node.Url.Port}");
        port.Error.ShouldContain("ragcluster.http.port");
        port.Error.ShouldNotContain("   at ");

        // The first one does not mind.
        using var caller = new Caller(served.Node.Url);
        (await caller.SearchAsync("cuscus")).ShouldBe(["command-1"]);
    }
}
