using System.Diagnostics;
using System.Net;
using RagCluster.Nodes.Tests.Running;

namespace RagCluster.Nodes.Tests.Http;

/// <summary>Probes and metrics, on their port and nowhere else.</summary>
public sealed class ManagementTests(OpenNode node)
{
    private static readonly string[] s_paths = ["/alive", "/ready", "/startup", "/metrics"];

    [Fact]
    public async Task Probes_and_metrics_are_on_the_management_port_only()
    {
        using var management = new Caller(node.ManagementUrl);
        using var gateway = node.Caller();
        foreach (var path in s_paths)
        {
            (await management.GetAsync(path)).Status.ShouldBe(HttpStatusCode.OK, path);
            (await gateway.GetAsync(path)).Status.ShouldBe(HttpStatusCode.NotFound, path);
        }

        ((string?)(await management.GetAsync("/ready")).Json["status"]).ShouldBe("up");
    }

    [Fact]
    public async Task The_API_and_the_page_are_not_on_the_management_port()
    {
        using var management = new Caller(node.ManagementUrl);
        foreach (var path in new[] { "/", "/index.html", "/api/v1/me", "/api/v1/documents", "/v1/models", "/openapi/v1.json", "/api/v1/ws" })
        {
            (await management.GetAsync(path)).Status.ShouldBe(HttpStatusCode.NotFound, path);
        }

        (await management.PutDocumentAsync("by-the-back-door", "x")).Status.ShouldBe(HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task The_metrics_are_OpenMetrics()
    {
        using var caller = node.Caller();
        await caller.IndexAsync("measured", "Something to count.");
        using var management = new Caller(node.ManagementUrl);
        var page = await management.GetAsync("/metrics", ("Accept", "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3"));
        page.Message.Content.Headers.ContentType!.ToString().ShouldBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
        var samples = OpenMetrics.Parse(page.Body);
        samples.Count.ShouldBeGreaterThan(20);
        samples.ShouldContain(s => s.Name.StartsWith("ragcluster_", StringComparison.Ordinal) && s.Value > 0);
        samples.ShouldContain(s => s.Name == "http_server_request_duration_seconds_count" && s.Value > 0);

        // Counters only count up.
        await caller.GetAsync("/api/v1/me");
        var later = OpenMetrics.Parse((await management.GetAsync("/metrics", ("Accept", "application/openmetrics-text"))).Body).ToLookup(s => s.Name + string.Join(",", s.Labels));
        foreach (var counter in samples.Where(s => s.Name.EndsWith("_total", StringComparison.Ordinal)))
        {
            later[counter.Name + string.Join(",", counter.Labels)].ShouldHaveSingleItem().Value.ShouldBeGreaterThanOrEqualTo(counter.Value, counter.Name);
        }
    }

    [Fact]
    public async Task Prometheus_own_checker_finds_nothing_wrong()
    {
        Assert.SkipUnless(File.Exists("/usr/bin/promtool"), "promtool (Debian: prometheus) is not installed.");
        using var management = new Caller(node.ManagementUrl);
        var page = await management.GetAsync("/metrics");
        using var process = Process.Start(new ProcessStartInfo("/usr/bin/promtool", ["check", "metrics"]) { RedirectStandardInput = true, RedirectStandardError = true, RedirectStandardOutput = true })!;
        await process.StandardInput.WriteAsync(page.Body);
        process.StandardInput.Close();
        var said = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken) + await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);

        process.ExitCode.ShouldBe(0, said);
        page.Message.Content.Headers.ContentType!.ToString().ShouldBe("text/plain; version=0.0.4; charset=utf-8");
    }

    [Theory]
    [InlineData("# TYPE a gauge\na 1\n")]
    [InlineData("a 1\n# EOF\n")]
    [InlineData("# TYPE a counter\na 1\n# EOF\n")]
    [InlineData("# TYPE a counter\na_total -1\n# EOF\n")]
    [InlineData("# TYPE a gauge\na 1\na 1\n# EOF\n")]
    [InlineData("# TYPE a gauge\na{x=1} 1\n# EOF\n")]
    [InlineData("# TYPE a gauge\na{x=\"1\",} 1\n# EOF\n")]
    [InlineData("# TYPE a gauge\na{x=\"1\",x=\"2\"} 1\n# EOF\n")]
    [InlineData("# TYPE a gauge\na{x.y=\"1\"} 1\n# EOF\n")]
    [InlineData("# TYPE a gauge\na{x=\"\\t\"} 1\n# EOF\n")]
    [InlineData("# TYPE a gauge\na one\n# EOF\n")]
    [InlineData("# TYPE a gauge\na  1\n# EOF\n")]
    [InlineData("# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# TYPE a gauge\na 2\n# EOF\n")]
    [InlineData("# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"1.0\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n# EOF\n")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"1.0\"} 1\na_sum 1\na_count 1\n# EOF\n")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n# EOF\n")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n# EOF\n")]
    public void The_parser_of_these_tests_refuses_what_is_wrong(string text) => Should.Throw<FormatException>(() => OpenMetrics.Parse(text));

    [Fact]
    public void The_parser_of_these_tests_takes_what_is_right() => OpenMetrics.Parse("""
        # TYPE a_seconds histogram
        # UNIT a_seconds seconds
        # HELP a_seconds What \\ it \n is.
        a_seconds_bucket{x="q\"\\\n",le="0.5"} 1
        a_seconds_bucket{x="q\"\\\n",le="+Inf"} 2
        a_seconds_sum{x="q\"\\\n"} 1.5
        a_seconds_count{x="q\"\\\n"} 2
        # TYPE b counter
        b_total{} 7e3
        # EOF

        """.ReplaceLineEndings("\n")).Count.ShouldBe(5);
}
