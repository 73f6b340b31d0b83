using System.Collections.Concurrent;
using System.IO.Compression;
using System.Net;
using System.Text;
using RagCluster.Ingestion.Sources;
using RagCluster.Ingestion.Sources.Web;
using RagCluster.TestKit;
using RagCluster.TestKit.Web;

namespace RagCluster.Ingestion.Tests.Sources.Web;

public sealed class UrlSourceTests : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, SiteResponse> _pages = new();
    private readonly LoopbackSite _site;
    private readonly MemoryCheckpoints _checkpoints = new();
    private readonly List<WebFetcher> _fetchers = [];

    public UrlSourceTests()
    {
        _site = new LoopbackSite(request =>
        {
            if (!_pages.TryGetValue(request.Path, out var page))
            {
                return SiteResponse.Missing;
            }

            var etag = page.Headers.FirstOrDefault(h => h.Name == "ETag").Value;
            var modified = page.Headers.FirstOrDefault(h => h.Name == "Last-Modified").Value;
            var same = (etag is not null && request.Header("If-None-Match") == etag) || (etag is null && modified is not null && request.Header("If-Modified-Since") == modified);
            return same ? new SiteResponse(304, []) : page;
        });
    }

    [Fact]
    public async Task Pages_come_with_their_type_and_where_they_were_found_at_the_end()
    {
        _pages["/guide/"] = SiteResponse.Html("<p>Guide</p>");
        _pages["/old"] = SiteResponse.To("/guide/", 301);
        var items = await ReadAsync(["guide/#part", "old", "guide/"]);
        var documents = items.OfType<SourceDocument>().ToList();
        documents.Select(d => d.Uri).ShouldBe([Url("guide/"), Url("old")]);
        documents.ShouldAllBe(d => d.MediaType == "text/html; charset=utf-8" && d.Metadata["url"] == Url("guide/"));
        documents[0].Name.ShouldBe("127.0.0.1/guide");
        using var reader = new StreamReader(await documents[0].OpenAsync(TestContext.Current.CancellationToken));
        (await reader.ReadToEndAsync(TestContext.Current.CancellationToken)).ShouldBe("<p>Guide</p>");
        _site.Requests.ShouldAllBe(r => r.Header("User-Agent")!.StartsWith("RagCluster/") && r.Header("Cookie") == null && r.Header("Authorization") == null);
    }

    [Fact]
    public async Task What_robots_txt_forbids_is_not_asked_for()
    {
        _pages["/robots.txt"] = SiteResponse.Text("User-agent: *\nDisallow: /private");
        _pages["/private/a"] = SiteResponse.Html("secret");
        _pages["/way"] = SiteResponse.To("/private/a");
        _pages["/open"] = SiteResponse.Html("open");
        var items = await ReadAsync(["private/a", "way", "open"]);
        items.OfType<SourceProblem>().Select(p => (p.Uri, p.Code)).ShouldBe([(Url("private/a"), "robots-disallowed"), (Url("way"), "robots-disallowed")]);
        items.OfType<SourceDocument>().Single().Uri.ShouldBe(Url("open"));
        _site.Requests.ShouldNotContain(r => r.Path == "/private/a");
        _site.Requests.Count(r => r.Path == "/robots.txt").ShouldBe(1);
    }

    [Fact]
    public async Task A_site_whose_robots_txt_fails_is_left_alone()
    {
        _pages["/robots.txt"] = SiteResponse.Text("oops", 500);
        _pages["/a"] = SiteResponse.Html("a");
        var problem = (await ReadAsync(["a"])).ShouldHaveSingleItem().ShouldBeOfType<SourceProblem>();
        problem.Code.ShouldBe("unreachable");
        problem.Detail.ShouldContain("robots.txt");
        _site.Requests.ShouldNotContain(r => r.Path == "/a");
    }

    [Fact]
    public async Task At_the_next_visit_only_what_changed_comes_again_and_what_is_gone_is_removed()
    {
        _pages["/tag"] = SiteResponse.Html("1", ("ETag", "\"one\""));
        _pages["/date"] = SiteResponse.Html("1", ("Last-Modified", "Tue, 03 Feb 2026 04:05:06 GMT"));
        _pages["/plain"] = SiteResponse.Html("1");
        _pages["/missing"] = SiteResponse.Html("1", ("ETag", "\"m\""));
        _pages["/gone"] = SiteResponse.Html("1", ("ETag", "\"g\""));
        string[] all = ["tag", "date", "plain", "missing", "gone"];
        (await ReadAsync(all)).OfType<SourceDocument>().Count().ShouldBe(5);

        _pages["/date"] = SiteResponse.Html("2", ("Last-Modified", "Wed, 04 Feb 2026 04:05:06 GMT"));
        _pages.Remove("/missing", out _);
        _pages["/gone"] = SiteResponse.Text("gone", 410);
        var second = await ReadAsync(all);
        second.OfType<SourceDocument>().Select(d => d.Uri).ShouldBe([Url("date"), Url("plain")]);
        second.OfType<SourceRemoved>().Select(d => d.Uri).ShouldBe([Url("gone")]);

        // Missing once may be an accident; twice in a row it is gone. What is no longer named is removed, too.
        var third = await ReadAsync(["tag", "plain", "missing"]);
        third.OfType<SourceRemoved>().Select(d => d.Uri).ShouldBe([Url("missing"), Url("date")], ignoreOrder: true);
        (await ReadAsync(["tag", "plain"])).OfType<SourceRemoved>().ShouldBeEmpty();
    }

    [Fact]
    public async Task What_was_not_settled_comes_again()
    {
        _pages["/a"] = SiteResponse.Html("1", ("ETag", "\"one\""));
        (await ReadAsync(["a"], settle: false)).ShouldHaveSingleItem();
        (await ReadAsync(["a"])).ShouldHaveSingleItem();
        (await ReadAsync(["a"])).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_damaged_memory_is_no_harm()
    {
        _pages["/a"] = SiteResponse.Html("1", ("ETag", "\"one\""));
        _checkpoints.Saved["web"] = "{ not json";
        (await ReadAsync(["a"])).ShouldHaveSingleItem().ShouldBeOfType<SourceDocument>();
    }

    [Fact]
    public async Task Sitemaps_are_walked_and_speak_for_their_own_host_only()
    {
        _pages["/robots.txt"] = SiteResponse.Text($"Sitemap: {Url("index.xml")}");
        _pages["/index.xml"] = SiteResponse.Text($"<sitemapindex><sitemap><loc>{Url("one.xml")}</loc></sitemap><sitemap><loc>{Url("index.xml")}</loc></sitemap></sitemapindex>");
        _pages["/one.xml"] = SiteResponse.Text($"<urlset><url><loc>{Url("a")}</loc><lastmod>2026-01-01</lastmod></url><url><loc>http://elsewhere.example/b</loc></url></urlset>");
        _pages["/a"] = SiteResponse.Html("a");
        (await ReadAsync([], [""])).ShouldHaveSingleItem().Uri.ShouldBe(Url("a"));

        // By its date it has not changed: it is not even asked for.
        var asked = _site.Requests.Count(r => r.Path == "/a");
        (await ReadAsync([], [""])).ShouldBeEmpty();
        _site.Requests.Count(r => r.Path == "/a").ShouldBe(asked);

        // A sitemap that cannot be read removes nothing.
        _pages["/one.xml"] = SiteResponse.Text("<urlset><url>");
        var items = await ReadAsync([], [""]);
        items.ShouldHaveSingleItem().ShouldBeOfType<SourceProblem>().Code.ShouldBe("corrupt");
        _pages["/one.xml"] = SiteResponse.Text("<urlset></urlset>");
        (await ReadAsync([], [""])).ShouldHaveSingleItem().ShouldBeOfType<SourceRemoved>().Uri.ShouldBe(Url("a"));
    }

    [Fact]
    public async Task What_is_too_large_packed_or_not_or_leads_in_circles_is_refused()
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(new byte[3 << 20]);
        }

        _pages["/big"] = new SiteResponse(200, new byte[3 << 20], ("Content-Type", "text/plain"));
        _pages["/bomb"] = new SiteResponse(200, packed.ToArray(), ("Content-Encoding", "gzip"));
        _pages["/circle"] = SiteResponse.To("/circle");
        _pages["/teapot"] = SiteResponse.Text("no", 418);
        _pages["/down"] = new SiteResponse(503, [], ("Retry-After", "120"));
        var problems = (await ReadAsync(["big", "bomb", "circle", "teapot", "down", "none", "http://[bad"])).OfType<SourceProblem>().ToList();
        problems.Select(p => p.Code).ShouldBe(["too-large", "too-large", "too-many-redirects", "http-status", "http-status", "http-status", "bad-url"]);
        problems[4].Detail.ShouldContain("503");
        problems[4].Detail.ShouldContain("120 s");
    }

    [Fact]
    public async Task A_page_that_does_not_end_is_given_up()
    {
        _pages["/robots.txt"] = SiteResponse.Text("");
        _pages["/slow"] = SiteResponse.Text(new string('x', 100)) with { Hang = true };
        var options = Options() with { Timeout = TimeSpan.FromSeconds(2) };
        (await ReadAsync(["slow"], options: options)).ShouldHaveSingleItem().ShouldBeOfType<SourceProblem>().Code.ShouldBe("timeout");
    }

    /// <summary>The pause is between the beginnings of requests, and the site's own wish counts where it is longer.</summary>
    [Fact]
    public async Task Requests_to_one_host_keep_their_distance()
    {
        _pages["/robots.txt"] = SiteResponse.Text("User-agent: *\nCrawl-delay: 20");
        _pages["/a"] = _pages["/b"] = SiteResponse.Html("x");
        var time = new ManualTime();
        var fetcher = new WebFetcher(Options() with { MinInterval = TimeSpan.FromSeconds(5), Timeout = TimeSpan.FromHours(1) }, time);
        _fetchers.Add(fetcher);
        var both = Task.WhenAll(
            fetcher.FetchAsync(new Uri(_site.Url, "a"), null, TestContext.Current.CancellationToken),
            fetcher.FetchAsync(new Uri(_site.Url, "b"), null, TestContext.Current.CancellationToken));
        var begun = time.GetTimestamp();
        await Retry.Until("both pages were fetched", () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return both.IsCompleted;
        });
        (await both).ShouldAllBe(o => o is PageFetched);
        time.GetElapsedTime(begun).ShouldBeGreaterThan(TimeSpan.FromSeconds(25));
    }

    [Fact]
    public async Task Visits_are_repeated_until_it_is_stopped()
    {
        _pages["/a"] = SiteResponse.Html("1", ("ETag", "\"1\""));
        var source = Source(["a"], [], TimeSpan.FromMilliseconds(20), Options());
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var seen = new List<string>();
        await Should.ThrowAsync<OperationCanceledException>(async () =>
        {
            await foreach (var item in source.ReadAsync(stopping.Token))
            {
                source.Settled(item, Settlement.Durable);
                seen.Add(item.Uri);
                _pages["/a"] = SiteResponse.Html("2", ("ETag", $"\"{seen.Count + 1}\""));
                if (seen.Count == 3)
                {
                    await stopping.CancelAsync();
                }
            }
        });
        seen.ShouldBe([Url("a"), Url("a"), Url("a")]);
    }

    public async ValueTask DisposeAsync()
    {
        _fetchers.ForEach(f => f.Dispose());
        await _site.DisposeAsync();
    }

    private static WebOptions Options() => new()
    {
        MinInterval = TimeSpan.Zero,
        MaxBytes = 1 << 20,
        Ports = [],
        AllowNetworks = [IPNetwork.Parse("127.0.0.0/8")],
    };

    private string Url(string path) => new Uri(_site.Url, path).AbsoluteUri;

    private UrlSource Source(IReadOnlyList<string> urls, IReadOnlyList<string> sitemaps, TimeSpan? revisit, WebOptions options)
    {
        var fetcher = new WebFetcher(options, TimeProvider.System);
        _fetchers.Add(fetcher);
        string Absolute(string url) => url.Contains("://", StringComparison.Ordinal) ? url : _site.Url + url;
        return new UrlSource(
            new UrlSourceOptions { Name = "web", Urls = [.. urls.Select(Absolute)], Sitemaps = [.. sitemaps.Select(Absolute)], Revisit = revisit }, fetcher, TimeProvider.System, _checkpoints);
    }

    private async Task<List<SourceItem>> ReadAsync(IReadOnlyList<string> urls, IReadOnlyList<string>? sitemaps = null, bool settle = true, WebOptions? options = null)
    {
        var source = Source(urls, sitemaps ?? [], null, options ?? Options());
        var items = new List<SourceItem>();
        await foreach (var item in source.ReadAsync(TestContext.Current.CancellationToken))
        {
            items.Add(item);
            if (settle)
            {
                source.Settled(item, Settlement.Durable);
            }
        }

        return items;
    }
}
