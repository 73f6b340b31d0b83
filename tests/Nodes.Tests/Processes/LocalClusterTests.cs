using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using RagCluster.Nodes.Tests.Running;
using RagCluster.TestKit;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Nodes.Tests.Processes;

/// <summary>Three real nodes on a real PostgreSQL, made and ended by the command line.</summary>
public sealed class LocalClusterTests
{
    [Fact]
    public async Task A_cluster_is_made_serves_from_every_node_loses_some_and_ends()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        await using var cluster = new LocalCluster();
        await cluster.UpAsync();
        var nodes = await cluster.NodesAsync();
        nodes.Count.ShouldBe(3);
        using var one = new Caller(nodes["node-1"].Url);
        using var two = new Caller(nodes["node-2"].Url);
        using var three = new Caller(nodes["node-3"].Url);
        await one.IndexAsync("kept", "The tamarword is kept in every cellar.");

        // One question, whichever node is asked, and however often.
        var body = new JsonObject { ["id"] = "q1", ["text"] = "Where is the tamarword kept?", ["wait"] = true };
        var first = (await one.PostAsync("/api/v1/conversations/talk/messages", body)).Expect(HttpStatusCode.OK);
        ((string?)first["answer"]!["answer"]).ShouldNotBeNull().ShouldContain("cellar");
        (await three.PostAsync("/api/v1/conversations/talk/messages", body.DeepClone())).Expect(HttpStatusCode.OK)["answer"]!.ToJsonString().ShouldBe(first["answer"]!.ToJsonString());

        // A node is asked to stop while others work: nobody's request fails, and its streams are told to go elsewhere.
        using var load = new Load([nodes["node-1"].Url, nodes["node-3"].Url]);
        await using (var chat = await two.ChatAsync())
        {
            await chat.ResumeAsync("talk", 0);
            await chat.UntilAsync(frame => (string?)frame["type"] == "completed");
            await using var events = await two.FollowAsync("/api/v1/conversations/talk/events");
            await events.UntilAsync(e => (string?)e["type"] == "completed");
            using var process = Process.GetProcessById(nodes["node-2"].Process);
            Process.Start("kill", ["-TERM", $"{process.Id}"]).WaitForExit();
            (await chat.ExpectAsync("bye"))["retryAfterMs"].ShouldNotBeNull();
            (await chat.ClosedAsync()).ShouldBe(System.Net.WebSockets.WebSocketCloseStatus.EndpointUnavailable);
            (await events.NextAsync()).ShouldBeNull();
            await Retry.Until("node-2 has left", async () => (await cluster.StatusAsync("node-2")) == "stopped");
        }

        // A node is killed in the middle of work: what it had accepted is answered, and what was seen stays seen.
        await using (var chat = await one.ChatAsync())
        {
            await chat.AskAsync("q2", "talk", "Is the tamarword kept in the cellar?");
            var accepted = (long)(await chat.ExpectAsync("accepted"))["seq"]!;
            Process.Start("kill", ["-KILL", $"{nodes["node-1"].Process}"]).WaitForExit();
            await using var resumed = await three.ChatAsync();
            await resumed.ResumeAsync("talk", accepted);
            var frames = await resumed.UntilAsync(frame => (string?)frame["type"] == "completed");
            frames.Select(frame => (long?)frame["seq"]).OfType<long>().ShouldBe(Enumerable.Range(1, frames.Count(f => f["seq"] is not null)).Select(n => accepted + n), "no gap and no repetition");
        }

        await load.EndAsync();
        load.Failures.ShouldBeEmpty();
        load.Answered.ShouldBeGreaterThan(20);

        // Those that are gone come back by the same command, and commands find a node that is there.
        await cluster.UpAsync();
        (await cluster.NodesAsync()).Count.ShouldBe(3);
        (await Ragcluster.RunAsync("ask", "--data", cluster.Folder, "Where is the tamarword kept?")).Expect(0).Output.ShouldContain("cellar");
        var shown = (await Ragcluster.RunAsync("cluster", "status", "--data", cluster.Folder)).Output;
        foreach (var word in new[] { "node-1", "node-2", "node-3", "conversation", "partition", "PostgreSQL running" })
        {
            shown.ShouldContain(word);
        }

        (await Ragcluster.RunAsync("cluster", "down", "--data", cluster.Folder)).Expect(0);
        (await Ragcluster.RunAsync("ask", "--data", cluster.Folder, "Anybody?")).Expect(1).Error.ShouldContain("cluster up");
        cluster.Critical().ShouldBeEmpty();
    }

    /// <summary>Asks and searches through some nodes, one request after the other; what is refused at one is asked at the next.</summary>
    private sealed class Load : IDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task[] _running;

        public Load(Uri[] nodes) => _running = [.. Enumerable.Range(0, 2).Select(n => RunAsync(n, nodes))];

        public List<string> Failures { get; } = [];

        public int Answered { get; private set; }

        public async Task EndAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_running);
        }

        public void Dispose() => _stop.Dispose();

        private async Task RunAsync(int number, Uri[] nodes)
        {
            using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
            for (var n = 0; !_stop.IsCancellationRequested; n++)
            {
                var question = System.Text.Json.JsonSerializer.Serialize(new { id = $"q{n}", text = "Where is the tamarword kept?" });
                await SendAsync(node => http.PostAsync(new Uri(node, $"/api/v1/conversations/load-{number}-{n}/messages"), new StringContent(question, null, "application/json")), nodes);
            }
        }

        /// <summary>As a load balancer does: a node that is not there is passed over, and the same request with its id goes to another.</summary>
        private async Task SendAsync(Func<Uri, Task<HttpResponseMessage>> send, Uri[] nodes)
        {
            foreach (var node in nodes)
            {
                try
                {
                    using var response = await send(node);
                    lock (Failures)
                    {
                        Answered++;
                        if (!response.IsSuccessStatusCode)
                        {
                            Failures.Add($"{(int)response.StatusCode} {response.Content.ReadAsStringAsync().GetAwaiter().GetResult()}");
                        }
                    }

                    return;
                }
                catch (HttpRequestException)
                {
                    // Killed: the next one has it.
                }
            }

            lock (Failures)
            {
                Failures.Add("No node could be reached.");
            }
        }
    }
}

/// <summary>A cluster in a folder of its own, ended with the test whatever happens.</summary>
internal sealed class LocalCluster : IAsyncDisposable
{
    private readonly TemporaryFolder _root = new();

    public LocalCluster()
    {
        if (!OperatingSystem.IsWindows())
        {
            // PostgreSQL's own user must get through.
            File.SetUnixFileMode(_root.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.OtherExecute | UnixFileMode.GroupExecute);
        }

        AppDomain.CurrentDomain.ProcessExit += (_, _) => Kill();
    }

    public string Folder => _root.File("cluster");

    public async Task UpAsync() => (await Ragcluster.RunAsync(
        "cluster", "up", "--nodes", "3", "--data", Folder, "-D", "ragcluster.ingestion.samples-on-first-start=false", "-D", "ragcluster.cluster.lease=4s")).Expect(0);

    public async Task<Dictionary<string, (Uri Url, int Process)>> NodesAsync()
    {
        var report = await ReportAsync();
        return report["nodes"]!.AsArray().Where(node => (string?)node!["status"] == "up")
            .ToDictionary(node => (string)node!["node"]!, node => (new Uri((string)node!["url"]!), (int)node["process"]!));
    }

    public async Task<string?> StatusAsync(string node) =>
        (string?)(await ReportAsync())["nodes"]!.AsArray().Single(entry => (string?)entry!["node"] == node)!["status"];

    /// <summary>What a node has logged that must not be.</summary>
    public IReadOnlyList<string> Critical() =>
    [
        .. Directory.EnumerateFiles(Folder, "node.log", SearchOption.AllDirectories).SelectMany(File.ReadLines).Where(line => line.Contains(" crit: ", StringComparison.Ordinal) || line.StartsWith("Unhandled", StringComparison.Ordinal)),
    ];

    public async ValueTask DisposeAsync()
    {
        if (Directory.Exists(Folder))
        {
            await Ragcluster.RunAsync("cluster", "down", "--data", Folder);
        }

        Kill();
        _root.Dispose();
    }

    private async Task<JsonNode> ReportAsync() => JsonNode.Parse((await Ragcluster.RunAsync("cluster", "status", "--json", "--data", Folder)).Output)!;

    private void Kill()
    {
        string[] files = Directory.Exists(Folder)
            ? [.. Directory.GetFiles(Folder, "node.pid", SearchOption.AllDirectories), .. Directory.GetFiles(Folder, "postmaster.pid", SearchOption.AllDirectories)]
            : [];
        foreach (var file in files)
        {
            if (int.TryParse(File.ReadLines(file).FirstOrDefault(), out var id))
            {
                Process.Start("kill", ["-KILL", $"{id}"]).WaitForExit();
            }
        }
    }
}
