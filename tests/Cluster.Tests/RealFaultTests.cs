using RagCluster.Cluster.Tests.Load;
using RagCluster.Cluster.Tests.Running;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Cluster.Tests;

/// <summary>The promises, kept by real processes on a real database; the long run is `./sim.sh --real`.</summary>
public sealed class RealFaultTests
{
    [Fact]
    public async Task Nothing_acknowledged_is_lost_or_doubled_when_nodes_are_killed_stand_still_and_the_database_restarts()
    {
        Skip();
        await using var cluster = await RealCluster.StartAsync(3, new StringWriter());
        using var balancer = new Balancer(cluster);
        await using var load = new HttpLoad(cluster, balancer, TimeSpan.FromMilliseconds(150));
        load.Start(conversations: 2);
        var nemesis = new Nemesis(cluster);
        await Task.Delay(1500);
        await nemesis.KillAsync(cluster.Nodes[0]);
        await nemesis.PauseAsync(cluster.Nodes[1]);
        await nemesis.RestartDatabaseAsync();
        await nemesis.KillAsync(cluster.Nodes[2]);
        await Task.Delay(1000);

        (await new Reckoning(cluster, load).CheckAsync()).Take(5).ShouldBeEmpty(cluster.Output.ToString());
        cluster.Record.Operations.Count(operation => operation.Outcome == CheckerKit.Outcome.Acknowledged).ShouldBeGreaterThan(50);
        cluster.Record.Log.Select(record => record.Epoch).Distinct().Count().ShouldBeGreaterThan(1);
    }

    [Fact]
    public async Task A_rolling_restart_under_load_fails_no_request()
    {
        Skip();
        await using var cluster = await RealCluster.StartAsync(3, new StringWriter());
        using var balancer = new Balancer(cluster);
        await using var load = new HttpLoad(cluster, balancer, TimeSpan.FromMilliseconds(150));
        load.Start(conversations: 2);
        await Task.Delay(1500);
        await new Nemesis(cluster).RollAsync();
        (await new Reckoning(cluster, load).CheckAsync()).Take(5).ShouldBeEmpty(cluster.Output.ToString());
        balancer.Failed.ShouldBe(0, balancer.LastFailure);
        balancer.Sent.ShouldBeGreaterThan(100);
    }

    private static void Skip()
    {
        if (PostgresServer.WhyNot is { } reason)
        {
            Assert.Skip(reason);
        }
    }
}
