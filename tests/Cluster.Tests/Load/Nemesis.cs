using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using RagCluster.Cluster.Tests.Running;
using RagCluster.TestKit;

namespace RagCluster.Cluster.Tests.Load;

/// <summary>Which paths are cut.</summary>
internal enum Cut
{
    /// <summary>A node and all others hear nothing of each other; all reach the database.</summary>
    Partition,

    /// <summary>What a node sends to one other does not arrive; what that one sends does.</summary>
    OneWay,

    /// <summary>A node and the database hear nothing of each other.</summary>
    Database,
}

/// <summary>Does to real processes what happens to them.</summary>
internal sealed class Nemesis(RealCluster cluster, Balancer balancer)
{
    /// <summary>A link that is cut is noticed after <c>transport.detection-time</c>, 3 s.</summary>
    private static readonly TimeSpan s_cut = TimeSpan.FromSeconds(4);

    private int _kills;
    private int _pauses;
    private int _databaseRestarts;
    private int _rollingRestarts;
    private int _cuts;

    public int Kills => Volatile.Read(ref _kills);

    public int Pauses => Volatile.Read(ref _pauses);

    public int DatabaseRestarts => Volatile.Read(ref _databaseRestarts);

    public int RollingRestarts => Volatile.Read(ref _rollingRestarts);

    public int Cuts => Volatile.Read(ref _cuts);

    /// <summary>From each healing on, how long it took until every node that was ready answered for everything again.</summary>
    public ConcurrentQueue<TimeSpan> Healings { get; } = [];

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
        cluster.Say($"{node.Name} stands still");
        var losses = node.Losses;
        node.Pause();
        await Task.Delay(cluster.Lease * (1.3 + Random.Shared.NextDouble()));
        node.Resume();
        await LossAsync(node, losses, "stood still for longer than its lease");
        await node.ReadyAsync();
    }

    public async Task RestartDatabaseAsync()
    {
        Interlocked.Increment(ref _databaseRestarts);
        cluster.Say("the database restarts");
        await cluster.Database.RestartAsync();
    }

    /// <summary>Cuts a path in the lab until it has been noticed, heals it, and waits until all is as before.</summary>
    public async Task CutAsync(RealNode node, Cut cut)
    {
        Interlocked.Increment(ref _cuts);
        var (lab, machine) = (cluster.Lab!, node.Machine!);
        var others = cluster.Nodes.Where(other => other != node).ToList();
        var losses = node.Losses;
        switch (cut)
        {
            case Cut.Partition:
                cluster.Say($"{node.Name} is cut off from all other nodes");
                foreach (var other in others)
                {
                    await lab.CutAsync(machine, other.Machine!);
                }

                await Task.Delay(s_cut * (1 + (Random.Shared.NextDouble() / 2)));
                break;
            case Cut.OneWay:
                var deaf = others[Random.Shared.Next(others.Count)];
                cluster.Say($"{deaf.Name} does not hear {node.Name}");
                await lab.CutOneWayAsync(machine, deaf.Machine!);
                await Task.Delay(s_cut * (1 + (Random.Shared.NextDouble() / 2)));
                break;
            default:
                cluster.Say($"{node.Name} is cut off from the database");
                await lab.CutAsync(machine, cluster.DatabaseMachine!);
                await LossAsync(node, losses, "could not reach the database for longer than its lease");
                break;
        }

        foreach (var other in others)
        {
            await lab.HealAsync(machine, other.Machine!);
        }

        await lab.HealAsync(machine, cluster.DatabaseMachine!);
        var healed = Stopwatch.GetTimestamp();
        await WholeAsync();
        var took = Stopwatch.GetElapsedTime(healed);
        Healings.Enqueue(took);
        cluster.Say(string.Create(CultureInfo.InvariantCulture, $"healed: every node that is ready answers for everything {took.TotalSeconds:0.00} s later"));
        await node.ReadyAsync();
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

    private async Task LossAsync(RealNode node, int losses, string what)
    {
        var waited = Stopwatch.GetTimestamp();
        while (node.Losses == losses && Stopwatch.GetElapsedTime(waited) < TimeSpan.FromSeconds(60))
        {
            await Task.Delay(50);
        }

        if (node.Losses == losses)
        {
            cluster.Faults.Add($"{node.Name} {what} and did not end.");
        }
    }

    /// <summary>Every node answers for every conversation, and every partition answers through it.</summary>
    private Task WholeAsync() => Retry.Until("every node that is ready answers for everything", async () =>
    {
        var answers = await Task.WhenAll(cluster.Nodes.Select(node => node.Url).OfType<Uri>().Select(balancer.AnswersForAllAsync));
        return answers.Length > 0 && answers.All(answered => answered);
    }, TimeSpan.FromMinutes(2));
}
