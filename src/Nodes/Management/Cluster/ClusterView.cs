using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Journal;

namespace RagCluster.Nodes.Management.Cluster;

/// <summary>What a node knows of the cluster, in our own words: more than <see cref="MembersView"/> says.</summary>
internal static class ClusterView
{
    /// <summary>Null while the node has not joined.</summary>
    public static ClusterBody? Describe(ManagedNode node)
    {
        if (node.Entities is not { } entities)
        {
            return null;
        }

        var shards = entities.Describe();
        ShardBody[] bodies = [.. shards.Select(shard => new ShardBody(shard.EntityType, shard.Number, shard.Epoch, shard.Owner?.Node))];
        if (entities.DescribeCluster() is not { } status)
        {
            var own = node.Options.Node;
            return new ClusterBody(
                own.Name, own.Name, 0, null,
                [new MemberBody(own.Name, entities.Node.Incarnation, "up", own.Name, own.Roles, "self", default, shards.Count, [.. shards.Select(shard => shard.EntityType).Distinct()])],
                bodies);
        }

        var members = status.Members.Select(member => new MemberBody(
            member.Node.Node,
            member.Node.Incarnation,
            StatusOf(member.State),
            member.Address,
            member.Roles,
            member.Node == status.Self ? "self" : member.Suspect ? "unreachable" : Link(status, member),
            member.JoinedAt,
            member.Shards,
            member.Hosts));
        return new ClusterBody(
            status.Self.Node, status.Oldest?.Node, Math.Round(status.LeaseLeft.TotalSeconds, 3), status.Lost, [.. members], bodies) { Cordoned = entities.IsCordoned };
    }

    private static string Link(ClusterStatus status, MemberStatus member) =>
        status.Links.Any(link => link.Peer.Node == member.Node && link.Outbound && link.Connected) ? "connected" : "none";

    private static string StatusOf(NodeState state) => state.ToString().ToLowerInvariant();
}

/// <param name="Oldest">The member that gives out shards.</param>
/// <param name="LeaseLeft">Seconds for which this node may go on without renewing its lease; 0 for a node that is alone.</param>
/// <param name="Lost">Why this node is no member any more; null while it is.</param>
public sealed record ClusterBody(
    string Self, string? Oldest, double LeaseLeft, string? Lost, IReadOnlyList<MemberBody> Members, IReadOnlyList<ShardBody> Shards)
{
    /// <summary>This node was drained: it stays a member and keeps nothing.</summary>
    public bool Cordoned { get; init; }
}

/// <param name="Incarnation">Counts the starts of the node.</param>
/// <param name="Status">"joining", "up", "draining", "left" or "dead".</param>
/// <param name="Link">From the node that was asked: "self", "connected", "none", or "unreachable" where probes go unanswered.</param>
/// <param name="Shards">How many it owns.</param>
/// <param name="Hosts">The types of entities that it keeps; one that was drained keeps none.</param>
public sealed record MemberBody(
    string Node, long Incarnation, string Status, string Address, IReadOnlyList<string> Roles, string Link, DateTimeOffset JoinedAt, int Shards, IReadOnlyList<string> Hosts);

/// <param name="Epoch">Counts its owners.</param>
/// <param name="Owner">Null while it moves.</param>
public sealed record ShardBody(string Type, int Number, long Epoch, string? Owner);
