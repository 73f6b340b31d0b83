using RagCluster.Configuration.Options;
using RagCluster.Kernel;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Nodes.Hosting;

/// <summary>A node's place on its store: alone, or as one of several.</summary>
internal sealed record Membership(ShardedEntities Entities, TcpTransport? Transport)
{
    /// <summary>Returns once the node may take work.</summary>
    /// <exception cref="StoreRefusedException">The store refuses this node; the message says what to do.</exception>
    /// <exception cref="MembershipLostException">The node did not become a member, or was one only for a moment.</exception>
    /// <exception cref="IOException">The address for the other nodes cannot be had, or a secret or certificate cannot be read.</exception>
    /// <exception cref="TimeoutException">The other members and this one could not reach each other.</exception>
    public static async Task<Membership> JoinAsync(
        RagClusterOptions options, ActorSystem system, IShardStore store, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        var entities = OptionsMapping.Entities(options);
        if (!options.Cluster.Enabled)
        {
            return new Membership(await ShardedEntities.JoinAsync(system, store, entities, loggers, cancellationToken), null);
        }

        var transport = new TcpTransport(OptionsMapping.Transport(options.Cluster), system.Runtime, loggers.CreateLogger<TcpTransport>());
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Cluster.JoinTimeout);
        try
        {
            return new Membership(
                await ShardedEntities.JoinAsync(system, (IClusterStore)store, transport, OptionsMapping.Cluster(options), entities, loggers, limit.Token), transport);
        }
        catch (Exception e)
        {
            await transport.DisposeAsync();
            if (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException(
                    $"The node did not become a member of the cluster within {options.Cluster.JoinTimeout.TotalSeconds:0} s (ragcluster.cluster.join-timeout): " +
                    $"every member that is up must reach it at {transport.Address}, and it them. Its log names those that it does not reach.", e);
            }

            // It was too slow, or the database was: the next try may do.
            if (e is StoreException and not StoreRefusedException)
            {
                throw new MembershipLostException(e.Message, e);
            }

            throw;
        }
    }

    /// <summary>Waits until every shard has an owner, here or elsewhere.</summary>
    /// <exception cref="TimeoutException">Some have none; the message says which.</exception>
    public async Task OpenedAsync(RagClusterOptions options, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (Transport is not null)
        {
            limit.CancelAfter(options.Cluster.JoinTimeout);
        }

        try
        {
            await Entities.OpenedAsync(limit.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            var without = Entities.Describe().Where(shard => shard.Owner is null).Select(shard => shard.EntityType).Distinct();
            throw new TimeoutException(
                $"After {options.Cluster.JoinTimeout.TotalSeconds:0} s (ragcluster.cluster.join-timeout) no node keeps all shards of: {string.Join(", ", without)}. " +
                "Is there a node with that role (ragcluster.node.roles)?", e);
        }
    }
}
