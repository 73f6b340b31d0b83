using System.Globalization;
using RagCluster.Configuration.Options;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Nodes.Management.Access;

namespace RagCluster.Nodes.Management.Cluster;

/// <param name="ShardId">Its number, as text.</param>
/// <param name="NumEntities">In memory on the node that was asked.</param>
public sealed record RegionShardJson(string ShardId, int NumEntities);

/// <summary>The shards of a type that are open on the node that was asked.</summary>
public sealed record RegionsJson(IReadOnlyList<RegionShardJson> Regions);

/// <param name="Shards">In all.</param>
/// <param name="OpenHere">On the node that was asked.</param>
/// <param name="EntitiesHere">In memory there.</param>
public sealed record ShardTypeJson(string Type, int Shards, int OpenHere, int EntitiesHere, IReadOnlyDictionary<string, int> Owners);

public sealed record ShardTypesJson(IReadOnlyList<string> EntityTypeKeys, IReadOnlyList<ShardTypeJson> Types);

/// <summary>/cluster/shards: which there are, how full they are, and moving one.</summary>
internal static class ShardEndpoints
{
    public static void MapShards(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/cluster/shards", (ManagedNode node) =>
        {
            var types = node.NeedEntities().Describe().GroupBy(shard => shard.EntityType).OrderBy(group => group.Key, StringComparer.Ordinal).Select(group => new ShardTypeJson(
                group.Key,
                group.Count(),
                group.Count(shard => shard.Open),
                group.Sum(shard => shard.LiveEntities),
                group.Where(shard => shard.Owner is not null).GroupBy(shard => shard.Owner!.Value.Node).OrderBy(owner => owner.Key, StringComparer.Ordinal).ToDictionary(owner => owner.Key, owner => owner.Count()))).ToList();
            return TypedResults.Json(new ShardTypesJson([.. types.Select(type => type.Type)], types), ManagementJson.Default.ShardTypesJson);
        });
        routes.MapGet("/cluster/shards/{type}", (string type, ManagedNode node) =>
        {
            var shards = node.NeedEntities().Describe().Where(shard => shard.EntityType == type).ToList();
            return shards.Count == 0
                ? NoType(node, type)
                : TypedResults.Json(
                    new RegionsJson([.. shards.Where(shard => shard.Open).Select(shard => new RegionShardJson(shard.Number.ToString(CultureInfo.InvariantCulture), shard.LiveEntities))]),
                    ManagementJson.Default.RegionsJson);
        });
        routes.MapPut("/cluster/shards/{type}/{number}", MoveAsync).Needs(ManagementRole.Operator);
    }

    public static IResult NoType(ManagedNode node, string type) => ManagementProblems.NotFound(
        $"Shard Region {type} is not started. There are {string.Join(", ", node.NeedEntities().Inspectors.Select(inspector => inspector.EntityType))}.");

    private static async Task<IResult> MoveAsync(string type, string number, HttpRequest request, ManagedNode node, CancellationToken cancellationToken)
    {
        var arguments = await Arguments.ReadAsync(request, cancellationToken);
        arguments.OneOf("operation", "Move");
        var target = arguments.Needed("to");
        var entities = node.NeedEntities();
        var shards = entities.Describe().Where(shard => shard.EntityType == type).ToList();
        if (shards.Count == 0)
        {
            return NoType(node, type);
        }

        if (!int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var wanted) || shards.FirstOrDefault(shard => shard.Number == wanted) is not { } shard)
        {
            return ManagementProblems.NotFound($"There is no shard {number} of {type}: they are numbered from 0 to {shards.Count - 1}.");
        }

        if (entities.DescribeCluster() is null || MembersView.Of(node) is not { } view)
        {
            return ManagementProblems.Alone();
        }

        if (view.Find(target) is not { } member)
        {
            return ClusterEndpoints.NoMember(target);
        }

        var why = member.State != NodeState.Up ? $"it is {MembersView.StatusOf(member.State).ToLowerInvariant()}"
            : member.Suspect ? "it does not answer"
            : !member.Hosts.Contains(type) ? member.Hosts.Count == 0 ? "it is drained, or has no role" : $"it keeps no shards of {type} (ragcluster.node.roles)"
            : null;
        if (why is not null)
        {
            return ManagementProblems.Conflict($"{view.AddressOf(member)} takes no shard of {type}: {why}.");
        }

        if (shard.Owner == member.Node)
        {
            return ClusterEndpoints.Message($"Shard {type}/{wanted} is on {member.Node.Node} already.");
        }

        return entities.MoveShard(type, wanted, member.Node)
            ? ClusterEndpoints.Message($"Shard {type}/{wanted} moves from {shard.Owner?.Node} to {member.Node.Node}. Balancing may move it, or another one, later.")
            : ManagementProblems.Conflict($"Shard {type}/{wanted} has no owner just now; it is on its way. Try again in a moment.");
    }
}
