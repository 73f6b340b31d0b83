using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <param name="State">Never dead or left; a member whose lease is over is none.</param>
internal sealed record Member(Peer Peer, NodeState State, IReadOnlyList<string> Roles, DateTimeOffset JoinedAt)
{
    public NodeIncarnation Node => Peer.Node;

    public bool IsUp => State == NodeState.Up;
}

internal enum MemberChange
{
    Joined,
    Up,
    Draining,

    /// <summary>Dead or left: this incarnation never comes back.</summary>
    Gone,
}

/// <summary>The members that live, in the order of their joining: what the store's rows said when they were read.</summary>
internal sealed class MembershipView
{
    private readonly Dictionary<NodeIncarnation, Member> _byNode;

    private MembershipView(IReadOnlyList<Member> members, IReadOnlyList<NodeIncarnation> lingering)
    {
        (Members, Lingering) = (members, lingering);
        _byNode = members.ToDictionary(member => member.Node);
    }

    public static MembershipView Empty { get; } = new([], []);

    public IReadOnlyList<Member> Members { get; }

    /// <summary>
    /// Declared dead before their lease was over: they may not know it yet and answer reads with what is true for them, so
    /// nobody takes their shards before it is.
    /// </summary>
    public IReadOnlyList<NodeIncarnation> Lingering { get; }

    /// <summary>The first of those that are up: it places the shards.</summary>
    public Member? Oldest => Members.FirstOrDefault(member => member.IsUp);

    /// <summary>Expired counts as dead: the row says so to everybody who asks, and no renewal takes it back.</summary>
    public static MembershipView From(IReadOnlyList<MemberRow> rows) => new(
    [
        .. rows.Where(row => !row.Expired && row.State is NodeState.Joining or NodeState.Up or NodeState.Draining)
            .OrderBy(row => row.JoinedAt).ThenBy(row => row.Node.Node, StringComparer.Ordinal)
            .Select(row => new Member(new Peer(row.Node, row.Address), row.State, row.Roles, row.JoinedAt)),
    ],
    [.. rows.Where(row => row is { State: NodeState.Dead, Expired: false }).Select(row => row.Node)]);

    public Member? Find(NodeIncarnation node) => _byNode.GetValueOrDefault(node);

    public bool IsAlive(NodeIncarnation? node) => node is { } incarnation && _byNode.ContainsKey(incarnation);

    /// <summary>How many members that are up are older; null for one that is not up.</summary>
    public int? RankOf(NodeIncarnation node)
    {
        var rank = 0;
        foreach (var member in Members)
        {
            if (member.Node == node)
            {
                return member.IsUp ? rank : null;
            }

            rank += member.IsUp ? 1 : 0;
        }

        return null;
    }

    /// <summary>What has happened since <paramref name="former"/>: first who is gone, then who came, in the order of joining.</summary>
    public IReadOnlyList<(Member Member, MemberChange Change)> Since(MembershipView former)
    {
        var changes = new List<(Member, MemberChange)>();
        changes.AddRange(former.Members.Where(member => !IsAlive(member.Node)).Select(member => (member, MemberChange.Gone)));
        foreach (var member in Members)
        {
            var before = former.Find(member.Node)?.State;
            if (before != member.State)
            {
                changes.Add((member, member.State switch
                {
                    NodeState.Joining => MemberChange.Joined,
                    NodeState.Up => MemberChange.Up,
                    _ => MemberChange.Draining,
                }));
            }
        }

        return changes;
    }
}
