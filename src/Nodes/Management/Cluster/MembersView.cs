using System.Text.Json.Serialization;
using RagCluster.Configuration.Options;
using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;

namespace RagCluster.Nodes.Management.Cluster;

/// <summary>A member as Pekko Management shows it.</summary>
/// <param name="Node">Its address, such as "ragcluster://ragcluster@10.0.0.1:2552".</param>
/// <param name="NodeUid">Its incarnation: a restart has another.</param>
/// <param name="Status">"Joining", "Up", "Leaving" or "Down".</param>
public sealed record MemberJson(string Node, string NodeUid, string Status, IReadOnlyList<string> Roles);

public sealed record UnreachableJson(string Node, IReadOnlyList<string> ObservedBy);

/// <param name="Leader">Who gives out shards; null while nobody does.</param>
public sealed record MembersJson(
    string SelfNode,
    IReadOnlyList<MemberJson> Members,
    IReadOnlyList<UnreachableJson> Unreachable,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Leader,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Oldest,
    IReadOnlyDictionary<string, string> OldestPerRole);

/// <summary>As Akka.Management for .NET writes it, capitals included.</summary>
public sealed record SeedNodeJson(
    [property: JsonPropertyName("Node")] string Node,
    [property: JsonPropertyName("NodeUid")] long NodeUid,
    [property: JsonPropertyName("Status")] string Status,
    [property: JsonPropertyName("Roles")] IReadOnlyList<string> Roles);

public sealed record SeedNodesJson([property: JsonPropertyName("SelfNode")] string SelfNode, [property: JsonPropertyName("Nodes")] IReadOnlyList<SeedNodeJson> Nodes);

/// <summary>The cluster in the words of Akka and Pekko. A node that is alone is a cluster of one.</summary>
internal sealed class MembersView
{
    private readonly string _cluster;

    private MembersView(string cluster, MemberStatus self, IReadOnlyList<MemberStatus> members, NodeIncarnation? oldest) =>
        (_cluster, Self, Members, Oldest) = (cluster, self, members, oldest);

    public MemberStatus Self { get; }

    /// <summary>Those that live, in the order of their joining.</summary>
    public IReadOnlyList<MemberStatus> Members { get; }

    public NodeIncarnation? Oldest { get; }

    /// <summary>Null before the node has joined.</summary>
    public static MembersView? Of(ManagedNode node)
    {
        if (node.Entities is not { } entities)
        {
            return null;
        }

        var name = node.Options.Cluster.Name;
        if (entities.DescribeCluster() is not { } status)
        {
            var shards = entities.Describe();
            var self = new MemberStatus(
                entities.Node, NodeState.Up, node.Options.Node.Name, node.Options.Node.Roles, default, false, shards.Count, [.. shards.Select(shard => shard.EntityType).Distinct()]);
            return new MembersView(name, self, [self], self.Node);
        }

        MemberStatus[] alive = [.. status.Members.Where(member => member.State is NodeState.Joining or NodeState.Up or NodeState.Draining).OrderBy(member => member.JoinedAt).ThenBy(member => member.Node.Node, StringComparer.Ordinal)];
        return status.Members.FirstOrDefault(member => member.Node == status.Self) is { } own ? new MembersView(name, own, alive, status.Oldest) : null;
    }

    public MembersJson Json()
    {
        var roles = Members.SelectMany(member => member.Roles).Distinct().Order(StringComparer.Ordinal);
        return new MembersJson(
            AddressOf(Self),
            [.. Members.Select(Json)],
            [.. Members.Where(member => member.Suspect).Select(member => new UnreachableJson(AddressOf(member), [AddressOf(Self)]))],
            OldestAddress,
            OldestAddress,
            roles.ToDictionary(role => role, role => AddressOf(Members.First(member => member.Roles.Contains(role)))));
    }

    public MemberJson Json(MemberStatus member) =>
        new(AddressOf(member), member.Node.Incarnation.ToString(System.Globalization.CultureInfo.InvariantCulture), StatusOf(member.State), member.Roles);

    public SeedNodesJson SeedNodes() => new(
        AddressOf(Self), [.. Members.Select(member => new SeedNodeJson(AddressOf(member), member.Node.Incarnation, StatusOf(member.State), member.Roles))]);

    public string? OldestAddress => Members.FirstOrDefault(member => member.Node == Oldest) is { } oldest ? AddressOf(oldest) : null;

    public string AddressOf(MemberStatus member) => $"ragcluster://{_cluster}@{member.Address}";

    /// <summary>By its address, with or without the protocol and the cluster's name, or by the node's name.</summary>
    public MemberStatus? Find(string address)
    {
        var rest = address[(address.IndexOf("://", StringComparison.Ordinal) is >= 0 and var at ? at + 3 : 0)..];
        if (rest.StartsWith(_cluster + "@", StringComparison.Ordinal))
        {
            rest = rest[(_cluster.Length + 1)..];
        }

        return Members.LastOrDefault(member => member.Address == rest) ?? Members.LastOrDefault(member => member.Node.Node == rest);
    }

    public static string StatusOf(NodeState state) => state switch
    {
        NodeState.Joining => "Joining",
        NodeState.Up => "Up",
        NodeState.Draining => "Leaving",
        NodeState.Dead => "Down",
        _ => "Removed",
    };
}
