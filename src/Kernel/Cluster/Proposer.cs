using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Cluster.Wire;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Cluster;

/// <summary>
/// Turns what the membership has read into proposals. The oldest member that is up proposes; another one does so for shards
/// that have had no owner for longer, the longer the younger it is, so that they come to life though the oldest cannot
/// reach those who could take them. Used from the looking loop only.
/// </summary>
internal sealed class Proposer(Membership membership, ShardMap map, ShardKeeper keeper, Courier courier, ClusterOptions options, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan ClaimPatience = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan PatiencePerRank = TimeSpan.FromSeconds(3);

    private readonly Dictionary<int, Pending> _pending = [];
    private readonly Dictionary<int, long> _homelessSince = [];

    public void Propose(MembershipView view, IReadOnlyList<ShardRow> shards)
    {
        Update(view, shards);
        if (view.RankOf(membership.Self) is not { } rank)
        {
            return;
        }

        var mine = rank == 0 ? shards : [.. shards.Where(shard => !_homelessSince.TryGetValue(shard.ShardId, out var since) || time.GetElapsedTime(since) > PatiencePerRank * rank)];
        foreach (var proposal in Placement.Plan(Nodes(view), mine, Targets(), options.MaxClaimsPerPass, rank == 0 ? options.MaxMovesPerPass : 0))
        {
            ClusterLog.Proposing(log, proposal);
            _pending[proposal.ShardId] = new Pending(proposal.Target, proposal.Epoch, time.GetTimestamp(), proposal is Move ? options.HandOffBudget + ClaimPatience : ClaimPatience);
            Send(view, proposal);
        }
    }

    /// <summary>Where a shard of this node should go when it leaves.</summary>
    /// <param name="given">What has been given away already.</param>
    public NodeIncarnation? SuccessorOf(ShardSlot slot, Dictionary<int, NodeIncarnation> given)
    {
        var successor = Placement.Successor(Nodes(membership.View), membership.Shards, given, slot.EntityType, membership.Self);
        if (successor is { } node)
        {
            given[slot.ShardId] = node;
        }

        return successor;
    }

    /// <summary>Asks the shard's owner to hand it to the target.</summary>
    public void Send(MembershipView view, Proposal proposal)
    {
        var (to, kind) = proposal is Move move ? (move.Owner, WireKind.HandOff) : (proposal.Target, WireKind.Take);
        if (to != membership.Self)
        {
            if (view.Find(to) is { } member)
            {
                courier.TrySend(member.Peer, new PlaceMessage(kind, proposal.ShardId, proposal.Epoch, proposal.Target));
            }
        }
        else if (proposal is Take)
        {
            keeper.Take(proposal.ShardId, proposal.Epoch);
        }
        else if (map.Find(proposal.ShardId) is { } slot)
        {
            _ = keeper.HandOffAsync(slot, proposal.Target, options.HandOffBudget);
        }
    }

    private List<PlacementNode> Nodes(MembershipView view) =>
    [
        .. view.Members.Select(member => new PlacementNode(
            member.Node,
            member.IsUp && (member.Node == membership.Self || !membership.Neighbours.IsSuspect(member.Node)),
            member.Node == membership.Self ? membership.Hosts : membership.Neighbours.HostsOf(member.Node))),
        .. view.Lingering.Select(node => new PlacementNode(node, false, [])),
    ];

    private Dictionary<int, NodeIncarnation> Targets() => _pending.ToDictionary(pair => pair.Key, pair => pair.Value.Target);

    private void Update(MembershipView view, IReadOnlyList<ShardRow> shards)
    {
        foreach (var shard in shards)
        {
            if (view.IsAlive(shard.Owner) || (shard.Owner is { } owner && view.Lingering.Contains(owner)))
            {
                _homelessSince.Remove(shard.ShardId);
            }
            else
            {
                _homelessSince.TryAdd(shard.ShardId, time.GetTimestamp());
            }

            if (!_pending.TryGetValue(shard.ShardId, out var pending))
            {
                continue;
            }

            if (shard.Owner == pending.Target || !view.IsAlive(pending.Target) || time.GetElapsedTime(pending.Since) > pending.Patience)
            {
                _pending.Remove(shard.ShardId);
            }
            else if (shard.Epoch != pending.Epoch)
            {
                // Half way: given up, not yet claimed.
                _pending[shard.ShardId] = new Pending(pending.Target, shard.Epoch, time.GetTimestamp(), ClaimPatience);
            }
        }
    }

    private sealed record Pending(NodeIncarnation Target, long Epoch, long Since, TimeSpan Patience);
}
