using RagCluster.Cluster.Tests.Load;
using RagCluster.Cluster.Tests.Running;
using RagCluster.TestKit;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Cluster.Tests;

/// <summary>
/// Nodes with certificates on machines of their own, found by name, whose network is cut: the same promises. What
/// breaks in production where this fails: a split network makes two owners, or a healed one stays broken.
/// </summary>
public sealed class NetworkCutTests
{
    [Fact]
    public async Task Nothing_acknowledged_is_lost_or_doubled_when_the_network_is_cut_and_all_is_well_when_it_heals()
    {
        Assert.SkipWhen((PostgresServer.WhyNot ?? NetworkLab.WhyNot) is not null, PostgresServer.WhyNot ?? NetworkLab.WhyNot ?? "");
        await using var cluster = await RealCluster.StartAsync(new RealClusterOptions { InLab = true, Tls = true, Discovery = Discovery }, new StringWriter());
        cluster.Names!.ExpectNobodyAt("nobody." + LabNames.Service, RealCluster.LabPort);
        await using var trial = await Trial.BeginAsync(cluster);
        await Retry.Until(
            "a place where no node is shows to those who look for it",
            () => cluster.Nodes[0].HasLogged("nobody." + LabNames.Service, "is no member of the cluster"));
        cluster.Names.ExpectNobodyAt(null, RealCluster.LabPort);

        await trial.Nemesis.CutAsync(cluster.Nodes[0], Cut.Partition);
        await trial.Nemesis.CutAsync(cluster.Nodes[1], Cut.OneWay);
        await trial.Nemesis.CutAsync(cluster.Nodes[2], Cut.Database);
        await trial.EndWellAsync();

        cluster.Nodes[2].Losses.ShouldBeGreaterThan(0, "who does not reach the database is no member any more");
        trial.Nemesis.Healings.Count.ShouldBe(3);
        cluster.Nodes.ShouldAllBe(node => node.HasLogged("Listening for peers at " + LabNames.NameOf(cluster.Nodes.IndexOf(node) + 1), "(mutual TLS)"));
        await Retry.Until("the place is no longer expected", () => cluster.Nodes[0].HasLogged("nobody." + LabNames.Service, "no longer expected"));
        cluster.Nodes[1].HasLogged("is no member of the cluster", "the addresses of " + LabNames.Service).ShouldBeTrue("a node that was cut off showed to those who look for addresses");
    }

    /// <summary>One looks for places, one for addresses, one for nothing but what the store says.</summary>
    private static IReadOnlyList<string> Discovery(RealCluster cluster, int node) => node switch
    {
        1 => ["from=dns", "interval=1s", $"name={LabNames.Places}"],
        2 => ["from=dns", "interval=1s", $"name={LabNames.Service}", $"port={RealCluster.LabPort}"],
        _ => ["from=store"],
    };
}
