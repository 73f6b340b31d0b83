using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Inspection;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Entities;

/// <summary>What operators do with entities and nodes.</summary>
public sealed partial class ShardedEntities
{
    private Task? _cordoned;

    /// <summary>For each type that was started, in the order of their names: a way to look at its entities.</summary>
    public IReadOnlyList<IEntityInspector> Inspectors
    {
        get
        {
            lock (_gate)
            {
                return [.. _inspectors.OrderBy(inspector => inspector.EntityType, StringComparer.Ordinal)];
            }
        }
    }

    /// <summary>What this node does when another one calls it. Null: it says that it cannot.</summary>
    public Func<ReadOnlyMemory<byte>, CancellationToken, Task<ReadOnlyMemory<byte>>>? AnswerCalls
    {
        get => _cluster?.Calls.Answer;
        set
        {
            if (_cluster is not null)
            {
                _cluster.Calls.Answer = value;
            }
        }
    }

    /// <summary>Whether this node was cordoned: it gives its shards away, or has, and takes none.</summary>
    public bool IsCordoned
    {
        get
        {
            lock (_gate)
            {
                return _cordoned is not null;
            }
        }
    }

    /// <summary>
    /// Asks another node for something that concerns the node itself; it goes to <see cref="AnswerCalls"/> there. At most once.
    /// </summary>
    /// <exception cref="NodeCallException">It could not be reached, did not answer, or said why not.</exception>
    /// <exception cref="InvalidOperationException">There is one node only.</exception>
    public Task<ReadOnlyMemory<byte>> CallAsync(
        NodeIncarnation node, ReadOnlyMemory<byte> request, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        var cluster = Cluster();
        return cluster.Membership.View.Find(node) is { } member
            ? cluster.Calls.CallAsync(member.Peer, request, timeout, cancellationToken)
            : throw new NodeCallException($"{node} is no member that lives.");
    }

    /// <summary>
    /// Gives every shard to other nodes and takes none until <see cref="Uncordon"/>, but stays a member and goes on finding
    /// the way to entities. Completes when the last shard has left; called again while that lasts, it is the same.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is one node only, or something kept here has no other node to go to.</exception>
    public Task CordonAsync(TimeSpan budget)
    {
        var cluster = Cluster();
        lock (_gate)
        {
            if (_cordoned is null)
            {
                if (cluster.WithoutSuccessor() is { } type)
                {
                    throw new InvalidOperationException($"No other node that is up keeps shards of {type}: they would have no owner.");
                }

                _cordoned = cluster.DrainAsync(budget);
            }

            return _cordoned;
        }
    }

    /// <summary>Takes shards again. False: the node is not cordoned.</summary>
    /// <exception cref="InvalidOperationException">Its shards are still on their way, or the node is stopping.</exception>
    public bool Uncordon()
    {
        var cluster = Cluster();
        lock (_gate)
        {
            if (_cordoned is null)
            {
                return false;
            }

            if (!_cordoned.IsCompleted || _drained is not null || _stopped is not null)
            {
                throw new InvalidOperationException("The node is still handing over its shards.");
            }

            _cordoned = null;
            cluster.Keeper.Reopen();
            return true;
        }
    }

    /// <summary>Has shards without balance moved soon, rather than at the next look.</summary>
    public void Rebalance()
    {
        var cluster = Cluster();
        cluster.Membership.Look();
        cluster.Membership.Tell(look: true);
    }

    /// <summary>Whether the entity is in memory on this node, or on its way there.</summary>
    public bool IsInMemory(string entityType, string id) => FindLive(entityType, id) is not null;

    /// <summary>
    /// Asks an entity of this node to leave memory. One with open work, commands or subscribers stays. Does not wait.
    /// </summary>
    /// <returns>False: it is not in memory here, or was still on its way.</returns>
    public bool Passivate(string entityType, string id) =>
        FindLive(entityType, id) is { Actor: { IsCompletedSuccessfully: true, Result: var actor } } && actor.TryTell(Idle.Instance);

    private EntityHandle? FindLive(string entityType, string id)
    {
        if (Inspectors.FirstOrDefault(inspector => inspector.EntityType == entityType) is not { } type)
        {
            return null;
        }

        var number = type.ShardOf(id);
        var shard = _cluster is null
            ? Shards().FirstOrDefault(shard => shard.EntityType == entityType && shard.Number == number)
            : _cluster.Map.Slots.FirstOrDefault(slot => slot.EntityType == entityType && slot.Number == number)?.Local;
        return shard?.Find(id);
    }
}
