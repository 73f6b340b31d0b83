using System.Net;
using System.Text.Json.Nodes;
using RagCluster.Configuration;
using RagCluster.Configuration.Options;
using RagCluster.Nodes.Hosting;
using RagCluster.Nodes.Management;
using RagCluster.Nodes.Management.Logs;
using RagCluster.Nodes.Tests.Running;
using RagCluster.TestKit;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Nodes.Tests.Management;

/// <summary>Two nodes of one cluster, operated through the management port of one of them.</summary>
public sealed class OperationsTests : IAsyncDisposable
{
    private const string Secret = "a-secret-of-the-tests";

    private readonly TemporaryFolder _folder = new();
    private readonly Dictionary<string, NodeHost> _nodes = [];
    private readonly List<LogControl> _logs = [];

    [Fact]
    public async Task Nodes_are_drained_shards_moved_features_switched_and_each_asked_through_another()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        var server = await PostgresServer.SharedAsync();
        var connection = server.ConnectionString(await server.CreateDatabaseAsync());
        await StartAsync("north", connection);
        await StartAsync("south", connection);
        using var management = new Caller(_nodes["north"].ManagementUrl!);
        await Retry.Until("the shards are spread", async () => (await OwnedAsync(management, "south")) is > 20 and < 30);

        await Members(management);
        await Flags(management);
        await Moves(management);
        await Drains(management);
        await Logs(management);
        await Configuration(management);
        await Leaves(management);
    }

    private static async Task Members(Caller management)
    {
        var members = (await management.GetAsync("/cluster/members")).Expect(HttpStatusCode.OK);
        members["members"]!.AsArray().Count.ShouldBe(2);
        ((string?)members["leader"]).ShouldBe((string?)members["selfNode"], "it is the oldest");

        // The same question to the other node, by way of this one.
        var other = (await management.GetAsync("/cluster/members?node=south")).Expect(HttpStatusCode.OK);
        other["selfNode"]!.ToString().ShouldNotBe(members["selfNode"]!.ToString());
        (await management.GetAsync("/cluster/members?node=west")).ExpectProblem(HttpStatusCode.NotFound, "not-found");
        (await management.GetAsync("/nothing?node=south")).Status.ShouldBe(HttpStatusCode.NotFound);
        (await management.GetAsync("/actors?node=south&depth=0")).Expect(HttpStatusCode.OK)["actors"]!.AsArray().ShouldNotBeEmpty();
    }

    private async Task Flags(Caller management)
    {
        using var south = new Caller(_nodes["south"].Url);
        var question = new JsonObject { ["text"] = "Is anybody there?" };
        (await south.PostAsync("/api/v1/conversations/open/messages", question)).Expect(HttpStatusCode.Accepted);
        (await management.PutAsync("/flags/questions", new JsonObject { ["on"] = "false", ["reason"] = "moving house" })).Expect(HttpStatusCode.OK);
        (await management.PutAsync("/flags/documents", new JsonObject { ["on"] = false, ["reason"] = "moving house" })).Expect(HttpStatusCode.OK);
        await Retry.Until("the other node obeys", async () =>
            (await south.PostAsync("/api/v1/conversations/closed/messages", question.DeepClone())).Status == HttpStatusCode.ServiceUnavailable
            && (await south.PutDocumentAsync("closed", "Not now.")).Status == HttpStatusCode.ServiceUnavailable);
        foreach (var flag in new[] { "questions", "documents" })
        {
            (await management.PutAsync($"/flags/{flag}?node=south", new JsonObject { ["on"] = "default", ["reason"] = "moved" })).Expect(HttpStatusCode.OK);
        }

        await Retry.Until("both nodes take questions again", async () =>
            (await south.PostAsync("/api/v1/conversations/open/messages", question.DeepClone())).Status == HttpStatusCode.Accepted);
        var history = (await management.GetAsync("/entities/flags/cluster")).Expect(HttpStatusCode.OK)["events"]!.AsArray().Select(e => e!["event"]!).ToList();
        history.Select(e => (string?)e["reason"]).ShouldBe(["moving house", "moving house", "moved", "moved"]);
        history.ShouldAllBe(e => (string?)e["by"] == "this machine");
    }

    private static async Task Moves(Caller management)
    {
        var shard = (await ShardsAsync(management)).First(shard => (string?)shard["type"] == "document" && (string?)shard["owner"] == "north");
        var path = $"/cluster/shards/document/{shard["number"]}";
        (await management.PutAsync(path, new JsonObject { ["operation"] = "Move", ["to"] = "nobody" })).ExpectProblem(HttpStatusCode.NotFound, "not-found");
        (await management.PutAsync(path, new JsonObject { ["operation"] = "Move", ["to"] = "north" })).Expect(HttpStatusCode.OK)["message"]!.ToString().ShouldContain("already");
        await using var events = await EventStream.OpenAsync(management.Http, "/cluster/domain-events?type=ShardMoved");
        (await management.PutAsync(path, new JsonObject { ["operation"] = "Move", ["to"] = "south" })).Expect(HttpStatusCode.OK);
        await events.UntilAsync(e => (string?)e["shard"]!["entityType"] == "document" && (int?)e["shard"]!["number"] == (int)shard["number"]! && (string?)e["shard"]!["owner"] == "south");
        (await management.SendAsync(HttpMethod.Post, "/cluster/rebalance")).Expect(HttpStatusCode.OK);
    }

    private async Task Drains(Caller management)
    {
        using var south = new Caller(_nodes["south"].ManagementUrl!);
        (await management.PutAsync("/cluster/members/south", new JsonObject { ["operation"] = "Undrain" })).ExpectProblem(HttpStatusCode.Conflict, "conflict");
        (await management.PutAsync("/cluster/members/south", new JsonObject { ["operation"] = "Drain" })).Expect(HttpStatusCode.OK)["message"]!.ToString().ShouldContain("keeps no shard");
        (await south.GetAsync("/ready")).Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
        (await south.GetAsync("/alive")).Status.ShouldBe(HttpStatusCode.OK);
        ((bool?)(await south.GetAsync("/cluster")).Expect(HttpStatusCode.OK)["cordoned"]).ShouldBe(true);
        await Retry.Until("it keeps nothing", async () => await OwnedAsync(management, "south") == 0);

        // Nothing can be moved there, and the last one cannot be drained.
        (await management.PutAsync("/cluster/shards/document/1", new JsonObject { ["operation"] = "Move", ["to"] = "south" }))
            .ExpectProblem(HttpStatusCode.Conflict, "conflict")["detail"]!.ToString().ShouldContain("drained");
        (await management.PutAsync("/cluster/members/north", new JsonObject { ["operation"] = "Drain" })).ExpectProblem(HttpStatusCode.Conflict, "conflict");

        // Who asks there is answered all the same.
        using var gateway = new Caller(_nodes["south"].Url);
        (await gateway.PostAsync("/api/v1/conversations/drained/messages", new JsonObject { ["text"] = "Is it drained?", ["wait"] = true })).Expect(HttpStatusCode.OK);
        (await management.PutAsync("/cluster/members/south", new JsonObject { ["operation"] = "Undrain" })).Expect(HttpStatusCode.OK);
        (await south.GetAsync("/ready")).Status.ShouldBe(HttpStatusCode.OK);
        await Retry.Until("it has its share again", async () => await OwnedAsync(management, "south") > 20);
    }

    private static async Task Logs(Caller management)
    {
        (await management.PutAsync("/log/level?node=south", new JsonObject { ["level"] = "debug", ["category"] = "RagCluster.Kernel" })).Expect(HttpStatusCode.OK)["categories"]!["RagCluster.Kernel"]!.ToString().ShouldBe("debug");
        (await management.GetAsync("/log/level")).Expect(HttpStatusCode.OK)["categories"]!.AsObject().ShouldBeEmpty("the other node is as it was");
        await using var tail = await EventStream.OpenAsync(management.Http, "/log/tail?last=0&contains=drained");
        var moving = Retry.Until("a line comes", async () =>
        {
            await management.PutAsync("/cluster/members/north", new JsonObject { ["operation"] = "Drain" });
            return await tail.NextAsync() is { Data: var line } && ((string?)line["message"])!.Contains("drained on demand", StringComparison.Ordinal);
        });
        await moving;
        (await management.PutAsync("/cluster/members/north", new JsonObject { ["operation"] = "Undrain" })).Expect(HttpStatusCode.OK);
        (await management.GetAsync("/log?last=1000&category=AuthorizationStep")).Expect(HttpStatusCode.OK)["lines"]!.AsArray()
            .ShouldContain(line => line!["message"]!.ToString().Contains("PUT /cluster/members/north: 200", StringComparison.Ordinal), "who changed what is written down");
    }

    private static async Task Configuration(Caller management)
    {
        var settings = (await management.GetAsync("/config?node=south")).Expect(HttpStatusCode.OK)["settings"]!.AsArray();
        settings.Count.ShouldBeGreaterThan(100);
        var name = settings.Single(setting => (string?)setting!["key"] == "ragcluster.node.name")!;
        ((string?)name["value"], (string?)name["source"], (bool?)name["isDefault"]).ShouldBe(("\"south\"", "the test", false));
        settings.Single(setting => (string?)setting!["key"] == "ragcluster.store.postgres.connection")!["value"]!.ToString().ShouldBe("(hidden)");
        settings.ToJsonString().ShouldNotContain(PostgresServer.Password);
        settings.ToJsonString().ShouldNotContain(Secret);
        (await management.GetAsync("/config?changed=true")).Expect(HttpStatusCode.OK)["settings"]!.AsArray().ShouldAllBe(setting => (bool?)setting!["isDefault"] == false);
        (await management.GetAsync("/store/check")).Status.ShouldBe(HttpStatusCode.MethodNotAllowed);
        var check = (await management.SendAsync(HttpMethod.Post, "/store/check")).Body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!).ToList();
        ((bool?)check[^1]["done"], (long?)check[^1]["wrong"]).ShouldBe((true, 0));
        check.Count.ShouldBe(50);
    }

    private async Task Leaves(Caller management)
    {
        var stopping = _nodes["south"].WaitForStopAsync(TestContext.Current.CancellationToken);
        (await management.DeleteAsync("/cluster/members/south")).Expect(HttpStatusCode.OK)["message"]!.ToString().ShouldStartWith("Leaving ragcluster://");
        (await stopping).ShouldBeTrue();
        await using var events = await EventStream.OpenAsync(management.Http, "/cluster/domain-events?type=MemberEvent");
        await _nodes["south"].DisposeAsync();
        await events.UntilAsync(e => (string?)e["type"] == "MemberRemoved");
        (await management.GetAsync("/cluster/members")).Expect(HttpStatusCode.OK)["members"]!.AsArray().ShouldHaveSingleItem();
    }

    private static async Task<IEnumerable<JsonNode>> ShardsAsync(Caller management) =>
        (await management.GetAsync("/cluster")).Expect(HttpStatusCode.OK)["shards"]!.AsArray().Select(shard => shard!);

    private static async Task<int> OwnedAsync(Caller management, string node) => (await ShardsAsync(management)).Count(shard => (string?)shard["owner"] == node);

    private async Task StartAsync(string name, string connection)
    {
        var secret = _folder.Write("secret", Secret);
        string[] settings =
        [
            $"data-folder={_folder.File(name)}", $"node.name={name}", "http.port=0", "management.port=0", "cluster.enabled=true", "cluster.port=0", $"cluster.secret-file={secret}", "cluster.lease=10s",
            "store.engine=postgres", $"store.postgres.connection={connection}",
        ];
        var configuration = RagClusterConfiguration.Load(
            null, new Dictionary<string, string>(), settings.Select(setting => new ConfigurationOverride("ragcluster." + setting[..setting.IndexOf('=', StringComparison.Ordinal)], setting[(setting.IndexOf('=', StringComparison.Ordinal) + 1)..], "the test")));
        var logs = new LogControl(Microsoft.Extensions.Logging.LogLevel.Information);
        _logs.Add(logs);
        _nodes[name] = await NodeHost.StartAsync(
            configuration.Options, logging => logs.AddTo(logging), TestContext.Current.CancellationToken, new NodeOperator(configuration.Settings, logs));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values.Reverse())
        {
            await node.DisposeAsync();
        }

        _logs.ForEach(logs => logs.Dispose());
        _folder.Dispose();
    }
}
