using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;

namespace RagCluster.Nodes.Management;

/// <summary>What this node knows of the cluster, for people and programs; nothing before it has joined.</summary>
internal sealed class ClusterView
{
    private volatile ShardedEntities? _entities;

    public ShardedEntities? Entities => _entities;

    public void Joined(ShardedEntities entities) => _entities = entities;

    /// <summary>Null while the node has not joined, or is alone.</summary>
    public ClusterBody? Describe()
    {
        if (_entities is not { } entities || entities.DescribeCluster() is not { } status)
        {
            return null;
        }

        var members = status.Members.Select(member => new MemberBody(
            member.Node.Node,
            member.Node.Incarnation,
            StatusOf(member.State),
            member.Address,
            member.Roles,
            member.Node == status.Self ? "self" : member.Suspect ? "unreachable" : Link(status, member),
            member.JoinedAt,
            member.Shards));
        var shards = entities.Describe().Select(shard => new ShardBody(shard.EntityType, shard.Number, shard.Epoch, shard.Owner?.Node));
        return new ClusterBody(
            status.Self.Node, status.Oldest?.Node, Math.Round(status.LeaseLeft.TotalSeconds, 3), status.Lost, [.. members], [.. shards]);
    }

    private static string Link(ClusterStatus status, MemberStatus member) =>
        status.Links.Any(link => link.Peer.Node == member.Node && link.Outbound && link.Connected) ? "connected" : "none";

    private static string StatusOf(NodeState state) => state.ToString().ToLowerInvariant();
}

/// <param name="Oldest">The member that gives out shards.</param>
/// <param name="LeaseLeft">Seconds for which this node may go on without renewing its lease.</param>
/// <param name="Lost">Why this node is no member any more; null while it is.</param>
public sealed record ClusterBody(
    string Self, string? Oldest, double LeaseLeft, string? Lost, IReadOnlyList<MemberBody> Members, IReadOnlyList<ShardBody> Shards);

/// <param name="Incarnation">Counts the starts of the node.</param>
/// <param name="Status">"joining", "up", "draining", "left" or "dead".</param>
/// <param name="Link">From the node that was asked: "self", "connected", "none", or "unreachable" where probes go unanswered.</param>
/// <param name="Shards">How many it owns.</param>
public sealed record MemberBody(
    string Node, long Incarnation, string Status, string Address, IReadOnlyList<string> Roles, string Link, DateTimeOffset JoinedAt, int Shards);

/// <param name="Epoch">Counts its owners.</param>
/// <param name="Owner">Null while it moves.</param>
public sealed record ShardBody(string Type, int Number, long Epoch, string? Owner);
