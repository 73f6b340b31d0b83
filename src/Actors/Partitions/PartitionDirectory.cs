using System.Globalization;
using RagCluster.Kernel;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Messages;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors.Partitions;

/// <summary>Which partition of a tenant a document belongs to: a stable hash of its id, whatever its version.</summary>
public sealed class PartitionDirectory(IRegion<PartitionCommand, PartitionEvent, PartitionReply> region, int partitionsPerTenant)
{
    public IRegion<PartitionCommand, PartitionEvent, PartitionReply> Region => region;

    /// <summary>All partitions of the tenant; together they hold each of its documents once.</summary>
    public IReadOnlyList<EntityId> All(TenantId tenant) =>
        [.. Enumerable.Range(0, partitionsPerTenant).Select(n => Id(tenant, n))];

    public EntityId Of(TenantId tenant, DocumentId document) =>
        Id(tenant, StableHash.Bucket(document.Value, partitionsPerTenant));

    /// <summary>Sends a change to the document's partition and waits until it is durable and searchable.</summary>
    public async ValueTask SendAsync(TenantId tenant, DocumentId document, PartitionCommand command, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var (reply, _) = await region.AskAsync(Of(tenant, document), command, null, timeout, cancellationToken);
        if (reply is not PartitionDone)
        {
            throw new InvalidOperationException($"A partition answered {command.GetType().Name} with {reply.GetType().Name}.");
        }
    }

    /// <summary>What each of the tenant's partitions holds, and by which model. Wakes those that are not in memory.</summary>
    public async ValueTask<IReadOnlyList<(EntityId Partition, PartitionDescribed Described)>> DescribeAsync(TenantId tenant, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var described = new List<(EntityId, PartitionDescribed)>();
        foreach (var partition in All(tenant))
        {
            var (reply, _) = await region.AskAsync(partition, new DescribePartition(), null, timeout, cancellationToken);
            described.Add((partition, (PartitionDescribed)reply));
        }

        return described;
    }

    /// <summary>Where each document is depends on this number, so every node that uses the store must have the same, for as long as there is data.</summary>
    /// <param name="shared">Other nodes use the store and may already count on the number that holds.</param>
    /// <exception cref="StoreRefusedException">The store was made with another number.</exception>
    internal static async Task AgreeAsync(int partitionsPerTenant, IShardStore store, int shards, bool shared, CancellationToken cancellationToken)
    {
        const string Setting = "partitions.per-tenant";
        var wanted = partitionsPerTenant.ToString(CultureInfo.InvariantCulture);
        var holds = await store.AgreeAsync(Setting, wanted, replace: false, cancellationToken);
        if (holds == wanted)
        {
            return;
        }

        if (shared || !await IsEmptyAsync(store, shards, cancellationToken))
        {
            throw new StoreRefusedException(
                $"{Setting} is {wanted}, and the documents in the store are spread over {holds} partitions for each tenant: with another number they would be looked for in the wrong ones. " +
                $"Set {Setting} = {holds}, or begin with an empty store and take the documents in again.");
        }

        await store.AgreeAsync(Setting, wanted, replace: true, cancellationToken);
    }

    private static async Task<bool> IsEmptyAsync(IShardStore store, int shards, CancellationToken cancellationToken)
    {
        foreach (var shard in await store.PrepareShardsAsync(Partition.Type, shards, cancellationToken))
        {
            if (await store.LastShardSeqAsync(shard.ShardId, cancellationToken) > 0)
            {
                return false;
            }
        }

        return true;
    }

    private static EntityId Id(TenantId tenant, int number) => new($"{tenant.Value}/{number}");
}
