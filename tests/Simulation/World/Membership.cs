using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Entities;
using RagCluster.TestKit;

namespace RagCluster.Simulation.World;

/// <summary>How nodes come to own shards.</summary>
internal interface IMembership
{
    Task<ShardedEntities> JoinAsync(Machine machine, NodeLife life, DatabaseClient store, ILoggerFactory loggers);

    Task BeginAsync();

    /// <summary>The node's cast has started; completes when it can serve.</summary>
    Task ReadyAsync(Machine machine, NodeLife life);

    Task StopAsync(NodeLife life, TimeSpan budget);

    /// <summary>A node that a client could turn to; null if it finds none.</summary>
    Machine? Pick();

    /// <summary>Moves shards by hand.</summary>
    Task HandOffAsync();

    /// <summary>Starts what has to run for all to come to rest.</summary>
    Task HealAsync();

    /// <summary>Whether a supervisor may start the machine's next process.</summary>
    bool MayRestart(Machine machine);
}

/// <summary>
/// Embedded nodes that take everything from each other: each start is a takeover, and who was before goes on until it
/// meets the store. Only one is of use at a time, so this shows the journal's fences and not the cluster.
/// </summary>
internal sealed class Takeovers(Cluster cluster) : IMembership
{
    private Machine? _current;
    private bool _healed;

    public Task BeginAsync()
    {
        // Embedded nodes have no lease: one that was left behind does not know it before it writes.
        cluster.Record.ReadsMayBeStale = true;
        return cluster.Machines[0].StartAsync();
    }

    public async Task<ShardedEntities> JoinAsync(Machine machine, NodeLife life, DatabaseClient store, ILoggerFactory loggers) =>
        await ShardedEntities.JoinAsync(life.System!, store, new ShardedEntitiesOptions { Node = machine.Name }, loggers);

    public async Task ReadyAsync(Machine machine, NodeLife life)
    {
        await life.Entities!.OpenedAsync();

        // Not at once: whoever is connected to the former owner goes on talking to it for a while.
        _ = cluster.World.Run(async () =>
        {
            await cluster.Delay(TimeSpan.FromMilliseconds(cluster.Random.Next(1, 2000)));
            _current = machine.Life == life && !_healed ? machine : _current;
        });
        _current ??= machine;
    }

    public Task StopAsync(NodeLife life, TimeSpan budget) => life.Entities!.StopAsync(budget);

    public Machine? Pick()
    {
        var up = cluster.Machines.Where(machine => machine.Life is { IsReady: true }).ToList();
        return up.Count == 0 ? null : _current is { Life: not null } && cluster.Random.Next(5) > 0 ? _current : up[cluster.Random.Next(up.Count)];
    }

    public async Task HandOffAsync()
    {
        var idle = cluster.Machines.Where(machine => machine.Life is null).Take(1 + cluster.Random.Next(2)).ToList();
        if (idle.Count == 0)
        {
            cluster.Machines.FirstOrDefault(machine => machine != _current)?.Kill();
            return;
        }

        foreach (var start in idle.Select(machine => machine.StartAsync()).ToList())
        {
            // One whose join came late, after that of its next life, may never be let in: embedded nodes have no lease to tell them.
            await start.EndsWithin(TimeSpan.FromSeconds(10), cluster.World.Time);
        }
    }

    /// <summary>One takes everything from all others, who are gone then: the last to have started may not be the last to have claimed.</summary>
    public async Task HealAsync()
    {
        foreach (var former in cluster.Machines)
        {
            former.Kill();
        }

        _healed = true;
        _current = cluster.Machines[0];
        await _current.StartAsync();
    }

    public bool MayRestart(Machine machine) => !_healed || machine == _current;
}

/// <summary>The production cluster: nodes with leases, that share the shards.</summary>
internal sealed class Members(Cluster cluster) : IMembership
{
    public Task BeginAsync()
    {
        foreach (var machine in cluster.Machines)
        {
            _ = machine.StartAsync();
        }

        return Task.CompletedTask;
    }

    public async Task<ShardedEntities> JoinAsync(Machine machine, NodeLife life, DatabaseClient store, ILoggerFactory loggers)
    {
        var lease = cluster.Plan.Lease;
        var options = new ClusterOptions
        {
            Lease = lease, PollEvery = lease / 2, ProbeEvery = lease / 2, SuspectAfter = lease, HandOffBudget = TimeSpan.FromSeconds(4), BufferPerShard = 64, StreamCredit = 8, MaxRemoteCommands = 64, MaxRemoteSubscriptions = 16,
        };
        life.Transport = cluster.Network.CreateEndpoint(machine.Address, life.Runtime, life.IsLater ? WireRelease.Later : WireRelease.Present);
        var entities = await ShardedEntities.JoinAsync(
            life.System!, store, life.Transport, options, new ShardedEntitiesOptions { Node = machine.Name, MaxRestartBackoff = TimeSpan.FromSeconds(1) }, loggers);
        _ = EndWhenLostAsync(machine, life, entities);
        return entities;
    }

    public Task ReadyAsync(Machine machine, NodeLife life) => Task.CompletedTask;

    public async Task StopAsync(NodeLife life, TimeSpan budget)
    {
        await life.Entities!.StopAsync(budget);
        await life.Transport!.DisposeAsync();
    }

    public Machine? Pick()
    {
        // As a load balancer: it sends new requests to nodes that say they are ready, and hears late that one is not.
        var up = cluster.Machines.Where(machine => machine.Life is { IsReady: true, IsDraining: false }).ToList();
        return up.Count == 0 ? null : up[cluster.Random.Next(up.Count)];
    }

    public async Task HandOffAsync()
    {
        var shards = await cluster.Database.Store.ListShardsAsync();
        var members = await cluster.Database.Store.ListMembersAsync();
        if (shards.Count > 0 && members.Count > 0 && Pick() is { Life: { Entities: { } entities } life })
        {
            var shard = shards[cluster.Random.Next(shards.Count)];
            var target = members[cluster.Random.Next(members.Count)].Node;
            cluster.Tell("fault", $"shard {shard.ShardId} ({shard.EntityType}-{shard.Number}) is to move from {shard.Owner?.ToString() ?? "nobody"} to {target}");
            _ = life.Runtime.Run(() =>
            {
                entities.MoveShard(shard.EntityType, shard.Number, target);
                return Task.CompletedTask;
            });
        }
    }

    public async Task HealAsync()
    {
        foreach (var machine in cluster.Machines)
        {
            await machine.StartAsync();
        }
    }

    public bool MayRestart(Machine machine) => true;

    /// <summary>As the program does: a node that has lost its lease ends, and whoever watches over it starts the next.</summary>
    private static async Task EndWhenLostAsync(Machine machine, NodeLife life, ShardedEntities entities)
    {
        var reason = await entities.Lost;
        machine.Exit(life, reason);
    }
}
