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
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        await using var cluster = await RealCluster.StartAsync(new RealClusterOptions(), new StringWriter());
        await using var trial = await Trial.BeginAsync(cluster);
        await trial.Nemesis.KillAsync(cluster.Nodes[0]);
        await trial.Nemesis.PauseAsync(cluster.Nodes[1]);
        await trial.Nemesis.RestartDatabaseAsync();
        await trial.Nemesis.KillAsync(cluster.Nodes[2]);
        await trial.EndWellAsync();
        cluster.Record.Log.Select(record => record.Epoch).Distinct().Count().ShouldBeGreaterThan(1);
    }
}
