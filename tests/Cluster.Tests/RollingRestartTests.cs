using System.Text.Json.Nodes;
using RagCluster.Cluster.Tests.Load;
using RagCluster.Cluster.Tests.Running;
using RagCluster.TestKit;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Cluster.Tests;

/// <summary>Nodes with certificates and with different roles, from a list of addresses, replaced one after the other.</summary>
public sealed class RollingRestartTests
{
    private static readonly Dictionary<int, string[]> s_roles = new()
    {
        [1] = ["conversations", "documents"],
        [2] = ["documents", "partitions"],
        [3] = ["partitions", "conversations"],
    };

    [Fact]
    public async Task A_rolling_restart_of_nodes_with_different_roles_under_load_fails_no_request()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        await using var cluster = await RealCluster.StartAsync(
            new RealClusterOptions { Tls = true, Lease = TimeSpan.FromSeconds(20), Roles = node => s_roles[node], Discovery = Discovery }, new StringWriter());
        await using var trial = await Trial.BeginAsync(cluster);
        await OwnersHaveTheirRolesAsync(cluster);
        await trial.Nemesis.RollAsync();
        await OwnersHaveTheirRolesAsync(cluster);
        await trial.EndWellAsync();
        trial.Balancer.Failed.ShouldBe(0, trial.Balancer.LastFailure);
        trial.Balancer.Sent.ShouldBeGreaterThan(100);
        foreach (var node in cluster.Nodes)
        {
            node.HasLogged("Listening for peers", "(mutual TLS)").ShouldBeTrue();
            node.HasLogged(":1, from", "is no member of the cluster").ShouldBeTrue("the list names a place where nobody is");
        }
    }

    private static IReadOnlyList<string> Discovery(RealCluster cluster, int node) =>
        ["from=list", "interval=1s", $"addresses=[\"127.0.0.1:1\", {string.Join(", ", cluster.Nodes.Select(other => $"\"127.0.0.1:{other.Port}\""))}]"];

    private static async Task OwnersHaveTheirRolesAsync(RealCluster cluster)
    {
        using var http = new HttpClient();
        await Retry.Until("every shard is where its role is, and all nodes have some", async () =>
        {
            var body = JsonNode.Parse(await http.GetStringAsync(new Uri(cluster.Nodes[0].ManagementUrl!, "/cluster")))!;
            var owners = body["shards"]!.AsArray().Select(shard => (Type: (string)shard!["type"]! + "s", Owner: ((string?)shard["owner"])?.Split('#')[0]))
                .Where(shard => s_roles.Values.Any(roles => roles.Contains(shard.Type))).ToList();
            return owners.Count > 0 && owners.All(shard => shard.Owner is { } owner && s_roles[int.Parse(owner.AsSpan("node-".Length), System.Globalization.CultureInfo.InvariantCulture)].Contains(shard.Type))
                && owners.Select(shard => shard.Owner).Distinct().Count() == cluster.Nodes.Count;
        }, TimeSpan.FromMinutes(2));
    }
}
