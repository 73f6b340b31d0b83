using System.Text.Json.Nodes;
using RagCluster.Configuration.Options;
using RagCluster.Nodes.Management.Access;
using RagCluster.Nodes.Management.Cluster;

namespace RagCluster.Nodes.Management.Entities;

/// <param name="Epoch">Of the owner that wrote it.</param>
/// <param name="Event">As it is in the journal; texts are hidden from who may not see them.</param>
public sealed record EntityEventJson(long Seq, DateTimeOffset At, long Epoch, string? CommandId, JsonNode? Event);

/// <param name="Owner">The node that has its shard; null while it moves.</param>
/// <param name="InMemory">On the node that was asked.</param>
/// <param name="Redacted">Texts are hidden, for the caller is no admin.</param>
public sealed record EntityJson(
    string Type, string Id, int Shard, string? Owner, bool InMemory, long Seq, long SnapshotSeq, bool OpenWork, bool Redacted, JsonNode? State, IReadOnlyList<EntityEventJson> Events);

/// <summary>/entities: what an entity is and what happened to it, read from its log; and asking it to leave memory.</summary>
internal static class EntityEndpoints
{
    /// <summary>How long an entity that was asked to leave memory may take.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    public static void MapEntities(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/entities/{type}/{**id}", InspectAsync);
        routes.MapPut("/entities/{type}/{**id}", PassivateAsync).Needs(ManagementRole.Operator);
    }

    private static async Task<IResult> InspectAsync(string type, string id, HttpContext context, ManagedNode node, CancellationToken cancellationToken)
    {
        var events = Arguments.Number(context.Request, "events", 20, 0, 1000);
        var entities = node.NeedEntities();
        if (entities.Inspectors.FirstOrDefault(inspector => inspector.EntityType == type) is not { } inspector)
        {
            return ShardEndpoints.NoType(node, type);
        }

        if (await inspector.InspectAsync(id, events, cancellationToken) is not { } found)
        {
            return NoEntity(type, id);
        }

        var texts = context.MaySeeTexts();
        var owner = entities.Describe().FirstOrDefault(shard => shard.EntityType == type && shard.Number == found.Shard)?.Owner;
        return TypedResults.Json(
            new EntityJson(
                type, id, found.Shard, owner?.Node, entities.IsInMemory(type, id), found.Seq, found.SnapshotSeq, found.HasOpenWork, !texts,
                found.State is null ? null : Redaction.Of(found.State, texts),
                [.. found.Events.Select(record => new EntityEventJson(record.Seq, record.At, record.Epoch, record.CommandId, Redaction.Of(record.Payload.Span, texts)))]),
            ManagementJson.Default.EntityJson);
    }

    private static async Task<IResult> PassivateAsync(string type, string id, HttpRequest request, ManagedNode node, TimeProvider time, CancellationToken cancellationToken)
    {
        (await Arguments.ReadAsync(request, cancellationToken)).OneOf("operation", "Passivate");
        var entities = node.NeedEntities();
        if (entities.Inspectors.FirstOrDefault(inspector => inspector.EntityType == type) is not { } inspector)
        {
            return ShardEndpoints.NoType(node, type);
        }

        var owner = entities.Describe().FirstOrDefault(shard => shard.EntityType == type && shard.Number == inspector.ShardOf(id))?.Owner;
        if (owner is { } other && other != entities.Node)
        {
            return ManagementProblems.Conflict($"{type} \"{id}\" lives on {other.Node}: ask that node, with ?node={other.Node}.");
        }

        if (!entities.Passivate(type, id))
        {
            return ManagementProblems.NotFound($"{type} \"{id}\" is not in memory.");
        }

        for (var start = time.GetTimestamp(); time.GetElapsedTime(start) < s_patience;)
        {
            if (!entities.IsInMemory(type, id))
            {
                return ClusterEndpoints.Message($"{type} \"{id}\" has left memory.");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), time, cancellationToken);
        }

        return ManagementProblems.Conflict($"{type} \"{id}\" stays: it has open work, commands or subscribers.");
    }

    public static IResult NoEntity(string type, string id) => ManagementProblems.NotFound($"There is no {type} \"{id}\": nothing has ever happened to it. An id begins with its tenant: TENANT/ID.");
}
