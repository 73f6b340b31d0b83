using System.Diagnostics;
using RagCluster.Cluster.Tests.Running;

namespace RagCluster.Cluster.Tests.Load;

/// <summary>Does to real processes what happens to them.</summary>
internal sealed class Nemesis(RealCluster cluster)
{
    public int Kills { get; private set; }

    public int Pauses { get; private set; }

    public int DatabaseRestarts { get; private set; }

    public int RollingRestarts { get; private set; }

    /// <summary>kill -9, and again up.</summary>
    public async Task KillAsync(RealNode node)
    {
        Kills++;
        cluster.Say($"{node.Name} is killed");
        node.Kill();
        await Task.Delay(TimeSpan.FromSeconds(Random.Shared.NextDouble() * 1.5));
        node.Start();
        await node.ReadyAsync();
    }

    /// <summary>SIGSTOP for longer than the lease: it must find out by itself that it is no member any more.</summary>
    public async Task PauseAsync(RealNode node)
    {
        Pauses++;
        var losses = node.Losses;
        cluster.Say($"{node.Name} stands still");
        node.Pause();
        await Task.Delay(RealCluster.Lease * (1.3 + Random.Shared.NextDouble()));
        node.Resume();
        var waited = Stopwatch.GetTimestamp();
        while (node.Losses == losses && Stopwatch.GetElapsedTime(waited) < TimeSpan.FromSeconds(20))
        {
            await Task.Delay(50);
        }

        if (node.Losses == losses)
        {
            cluster.Faults.Add($"{node.Name} stood still for longer than its lease and did not end.");
        }

        await node.ReadyAsync();
    }

    public async Task RestartDatabaseAsync()
    {
        DatabaseRestarts++;
        cluster.Say("the database restarts");
        await cluster.Database.RestartAsync();
    }

    /// <summary>One node after the other is drained, stopped and started.</summary>
    public async Task RollAsync()
    {
        RollingRestarts++;
        foreach (var node in cluster.Nodes)
        {
            cluster.Say($"{node.Name} is told to stop");
            var status = await node.TerminateAsync();
            if (status != 0)
            {
                cluster.Faults.Add($"{node.Name} was told to stop and ended with {status}.");
            }

            node.Start();
            await node.ReadyAsync();
        }
    }
}
