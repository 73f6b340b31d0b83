using RagCluster.Kernel;
using RagCluster.Kernel.Entities;
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

    private static EntityId Id(TenantId tenant, int number) => new($"{tenant.Value}/{number}");
}
