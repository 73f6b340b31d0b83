using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Entities;

/// <summary>The entities of a node that is one of several.</summary>
public sealed partial class ShardedEntities
{
    private static readonly Task<string> Never = new TaskCompletionSource<string>().Task;

    private Task? _drained;

    /// <summary>
    /// Completes with the reason when this node has stopped itself, because it could not renew its lease or was declared
    /// dead. Nothing is answered from then on, and this incarnation never comes back: end the process, or join again.
    /// </summary>
    public Task<string> Lost => _cluster?.Lost ?? Never;

    /// <summary>
    /// Begins a new incarnation of the node as one of several that share the store. Returns once it is up: every member
    /// that is up can reach it and be reached.
    /// </summary>
    /// <param name="transport">Not started yet. Dispose it after <see cref="StopAsync"/>.</param>
    /// <exception cref="StoreException">The store does not answer, or refuses this node.</exception>
    /// <exception cref="IOException">The transport's address cannot be had.</exception>
    public static async ValueTask<ShardedEntities> JoinAsync(
        ActorSystem system,
        IClusterStore store,
        ITransport transport,
        ClusterOptions cluster,
        ShardedEntitiesOptions? options = null,
        ILoggerFactory? loggers = null,
        CancellationToken cancellationToken = default)
    {
        options ??= new ShardedEntitiesOptions();
        var (local, all) = (new CommitSignal(), new CommitSignal());
        var node = new ClusterNode(system, store, transport, cluster, local, all, (loggers ?? NullLoggerFactory.Instance).CreateLogger("RagCluster.Kernel.Cluster"));
        await node.Membership.JoinAsync(options.Node, node, cancellationToken);
        var services = Services(system, store, options, node.Membership.Self, loggers) with { Commits = local, Lease = node.Membership.Lease };
        return new ShardedEntities(system, options, services, all, node);
    }

    /// <summary>The cluster as this node sees it; null where there is one node only.</summary>
    public ClusterStatus? DescribeCluster() => _cluster?.Describe();

    /// <summary>
    /// Gives every shard to other nodes and takes none any more, but goes on finding the way to entities for those who
    /// still ask here. What is not done within the budget is cut; nothing acknowledged is lost by that.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is one node only.</exception>
    public Task DrainAsync(TimeSpan budget)
    {
        var cluster = Cluster();
        lock (_gate)
        {
            return _drained ??= DrainOnceAsync(cluster, budget);
        }
    }

    /// <summary>
    /// Declares a member dead: it stops itself as soon as it hears of it, and its shards are taken over when its lease is
    /// over, which it cannot renew any more. For a member that lives but does not do its work.
    /// </summary>
    /// <returns>False: no such incarnation is alive.</returns>
    /// <exception cref="StoreException">The store does not answer.</exception>
    public async ValueTask<bool> DownAsync(NodeIncarnation node, CancellationToken cancellationToken = default)
    {
        var cluster = Cluster();
        var down = await ((IClusterStore)_services.Store).DeclareDeadAsync(node, cancellationToken);
        cluster.Membership.Look();
        cluster.Membership.Tell(look: true);
        return down;
    }

    /// <summary>
    /// Asks the owner of a shard to hand it to another node. Balancing may move it, or another one, back later.
    /// </summary>
    /// <returns>False: there is no such shard, it has no owner just now, or the target is not up.</returns>
    public bool MoveShard(string entityType, int number, NodeIncarnation target)
    {
        var cluster = Cluster();
        return cluster.Map.Slots.FirstOrDefault(slot => slot.EntityType == entityType && slot.Number == number) is { } slot && cluster.Move(slot, target);
    }

    private ClusterNode Cluster() => _cluster ?? throw new InvalidOperationException("This node is alone on its store: it has joined no cluster.");

    private ClusterRegion<TEntity, TState, TCommand, TEvent, TReply> StartInCluster<TEntity, TState, TCommand, TEvent, TReply>(
        EntityDefinition<TEntity, TState, TCommand, TEvent, TReply> definition, IReadOnlyList<ShardRow> rows, ClusterNode cluster)
        where TEntity : IEntity<TState, TCommand, TEvent, TReply>
    {
        var slots = cluster.Map.Add(rows);
        var entities = new LocalEntities<TEntity, TState, TCommand, TEvent, TReply>(definition, _services);
        if (definition.Role is null || cluster.Options.Roles.Contains(definition.Role))
        {
            var tenures = 0;
            cluster.Add(TEntity.Type, new HostedType<TEntity, TState, TCommand, TEvent, TReply>(definition, entities, cluster));
            cluster.Keeper.Host(
                TEntity.Type,
                (slot, seenEpoch) => Begin(definition, slot.ShardId, slot.Number, slots.Length, $"{slot.EntityType}-{slot.Number}@{Interlocked.Increment(ref tenures)}", seenEpoch));
        }

        return new ClusterRegion<TEntity, TState, TCommand, TEvent, TReply>(definition, slots, entities, cluster);
    }

    private static async Task OpenedInClusterAsync(ClusterNode cluster, CancellationToken cancellationToken)
    {
        foreach (var slot in cluster.Map.Slots)
        {
            while (true)
            {
                var seen = slot.Changed.Version;
                if (cluster.Over is { } over)
                {
                    throw new EntityUnavailableException($"This node is no member of the cluster any more. {over}");
                }

                if (slot.Route.Owner is { } owner && (owner.Node != cluster.Membership.Self || slot.Local?.Epoch is not null))
                {
                    break;
                }

                await slot.Changed.WaitAsync(seen, TimeSpan.FromSeconds(1), cancellationToken);
            }
        }
    }

    private static IReadOnlyList<ShardStatus> DescribeShards(ClusterNode cluster) =>
    [
        .. cluster.Map.Slots.Select(slot => (slot, slot.Local)).Select(pair => new ShardStatus(
            pair.slot.EntityType,
            pair.slot.Number,
            pair.Local?.Epoch ?? pair.slot.Route.Epoch,
            pair.Local is { IsRefusing: false, Epoch: not null },
            pair.Local?.LiveEntities ?? 0,
            pair.slot.Route.Owner?.Node)),
    ];

    private static async Task DrainOnceAsync(ClusterNode cluster, TimeSpan budget)
    {
        if (cluster.Over is null)
        {
            await cluster.Membership.ChangeStateAsync(NodeState.Draining);
            await cluster.DrainAsync(budget);
        }
    }

    private async Task LeaveAsync(ClusterNode cluster, TimeSpan budget)
    {
        await DrainAsync(budget);
        if (cluster.Over is null)
        {
            await cluster.Membership.LeaveAsync();
            cluster.Left();
        }
    }
}
