using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>The cluster as one node sees it, for people.</summary>
/// <param name="Oldest">The member that places shards; null while none is up.</param>
/// <param name="LeaseLeft">How long this node may go on without renewing; zero once it has stopped itself.</param>
/// <param name="Lost">Why this node is no member any more; null while it is.</param>
public sealed record ClusterStatus(
    NodeIncarnation Self, NodeIncarnation? Oldest, TimeSpan LeaseLeft, string? Lost, IReadOnlyList<MemberStatus> Members, IReadOnlyList<LinkStatus> Links);

/// <param name="Suspect">This node has had no answer from it for a while.</param>
/// <param name="Shards">How many shards it owns, by the store.</param>
/// <param name="Hosts">The entity types that it keeps, as far as this node has heard.</param>
public sealed record MemberStatus(
    NodeIncarnation Node, NodeState State, string Address, IReadOnlyList<string> Roles, DateTimeOffset JoinedAt, bool Suspect, int Shards, IReadOnlyList<string> Hosts);
