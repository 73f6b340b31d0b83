using System.Diagnostics;
using RagCluster.Cluster.Tests.Running;

namespace RagCluster.Cluster.Tests.Load;

/// <summary>Does to real processes what happens to them.</summary>
internal sealed class Nemesis(RealCluster cluster)
{
    private int _kills;
    private int _pauses;
    private int _databaseRestarts;
    private int _rollingRestarts;

    public int Kills => Volatile.Read(ref _kills);

    public int Pauses => Volatile.Read(ref _pauses);

    public int DatabaseRestarts => Volatile.Read(ref _databaseRestarts);

    public int RollingRestarts => Volatile.Read(ref _rollingRestarts);

    /// <summary>kill -9, and again up.</summary>
    public async Task KillAsync(RealNode node)
    {
        Interlocked.Increment(ref _kills);
        cluster.Say($"{node.Name} is killed");
        node.Kill();
        await Task.Delay(TimeSpan.FromSeconds(Random.Shared.NextDouble() * 1.5));
        node.Start();
        await node.ReadyAsync();
    }

    /// <summary>SIGSTOP for longer than the lease: it must find out by itself that it is no member any more.</summary>
    public async Task PauseAsync(RealNode node)
    {
        Interlocked.Increment(ref _pauses);
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
        Interlocked.Increment(ref _databaseRestarts);
        cluster.Say("the database restarts");
        await cluster.Database.RestartAsync();
    }

    /// <summary>One node after the other is drained, stopped and started.</summary>
    public async Task RollAsync()
    {
        Interlocked.Increment(ref _rollingRestarts);
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
