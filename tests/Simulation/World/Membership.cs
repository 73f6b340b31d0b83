using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Entities;

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
}

/// <summary>
/// Embedded nodes that take everything from each other: each start is a takeover, and who was before goes on until it
/// meets the store. Only one is of use at a time, so this shows the journal's fences and not the cluster.
/// </summary>
internal sealed class Takeovers(Cluster cluster) : IMembership
{
    private Machine? _current;

    public Task BeginAsync() => cluster.Machines[0].StartAsync();

    public async Task<ShardedEntities> JoinAsync(Machine machine, NodeLife life, DatabaseClient store, ILoggerFactory loggers) =>
        await ShardedEntities.JoinAsync(life.System!, store, new ShardedEntitiesOptions { Node = machine.Name }, loggers);

    public async Task ReadyAsync(Machine machine, NodeLife life)
    {
        _current = machine;
        await life.Entities!.OpenedAsync();
    }

    public Task StopAsync(NodeLife life, TimeSpan budget) => life.Entities!.StopAsync(budget);

    public Machine? Pick()
    {
        // Who was before answers reads without asking anybody: it has no lease that could end.
        return _current is { Life: not null } ? _current : null;
    }

    public async Task HandOffAsync()
    {
        var idle = cluster.Machines.FirstOrDefault(machine => machine.Life is null);
        if (idle is null)
        {
            cluster.Machines.FirstOrDefault(machine => machine != _current)?.Kill();
            return;
        }

        await idle.StartAsync();
    }

    public async Task HealAsync()
    {
        if (_current is { Life: null } || _current is null)
        {
            await cluster.Machines[0].StartAsync();
        }

        foreach (var former in cluster.Machines.Where(machine => machine != _current))
        {
            former.Kill();
        }
    }
}
