using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Cluster;

/// <summary>A member as far as it matters where shards go.</summary>
/// <param name="Eligible">It may get shards: it is up, and nobody suspects it.</param>
/// <param name="Hosts">The entity types that it keeps.</param>
internal sealed record PlacementNode(NodeIncarnation Node, bool Eligible, IReadOnlyCollection<string> Hosts);

internal abstract record Proposal(int ShardId, long Epoch, NodeIncarnation Target);

/// <summary>To the target: claim the shard, if it is still as it was seen.</summary>
internal sealed record Take(int ShardId, long Epoch, NodeIncarnation Target) : Proposal(ShardId, Epoch, Target);

/// <summary>To the owner: hand the shard off.</summary>
internal sealed record Move(int ShardId, long Epoch, NodeIncarnation Owner, NodeIncarnation Target) : Proposal(ShardId, Epoch, Target);

/// <summary>
/// Where shards should go. Pure: whoever proposes asks it, and two that propose at once do no harm, because only a claim by
/// compare-and-set changes anything.
/// </summary>
internal static class Placement
{
    /// <summary>
    /// Shards without an owner that lives go to the node with the fewest of their type, then the fewest at all. Only when
    /// every shard that can have an owner has one, shards move for balance: within a type when two nodes differ by more than
    /// one, then over all types, as long as no type gets out of balance by it.
    /// </summary>
    /// <param name="nodes">All members that live, or may still answer.</param>
    /// <param name="pending">What has been proposed a moment ago and is counted as if it had happened.</param>
    public static IReadOnlyList<Proposal> Plan(
        IReadOnlyList<PlacementNode> nodes,
        IReadOnlyList<ShardRow> shards,
        IReadOnlyDictionary<int, NodeIncarnation> pending,
        int maxClaims,
        int maxMoves)
    {
        var alive = nodes.Select(node => node.Node).ToHashSet();
        var loads = new Loads(nodes);
        var homeless = new List<ShardRow>();
        foreach (var shard in shards)
        {
            if (pending.TryGetValue(shard.ShardId, out var target))
            {
                loads.Add(target, shard.EntityType);
            }
            else if (shard.Owner is { } owner && alive.Contains(owner))
            {
                loads.Add(owner, shard.EntityType);
            }
            else
            {
                homeless.Add(shard);
            }
        }

        var takes = new List<Proposal>();
        foreach (var shard in homeless.OrderBy(shard => shard.ShardId))
        {
            if (takes.Count < maxClaims && loads.Least(shard.EntityType) is { } target)
            {
                loads.Add(target, shard.EntityType);
                takes.Add(new Take(shard.ShardId, shard.Epoch, target));
            }
        }

        return takes.Count > 0 || pending.Count >= maxMoves ? takes : Balance(loads, shards, pending, maxMoves - pending.Count);
    }

    /// <summary>The best new home for a shard whose owner gives it up; null if there is none.</summary>
    public static NodeIncarnation? Successor(
        IReadOnlyList<PlacementNode> nodes, IReadOnlyList<ShardRow> shards, IReadOnlyDictionary<int, NodeIncarnation> pending, string entityType, NodeIncarnation leaving)
    {
        var loads = new Loads([.. nodes.Where(node => node.Node != leaving)]);
        foreach (var shard in shards)
        {
            if ((pending.TryGetValue(shard.ShardId, out var target) ? target : shard.Owner) is { } owner)
            {
                loads.Add(owner, shard.EntityType);
            }
        }

        return loads.Least(entityType);
    }

    private static List<Proposal> Balance(Loads loads, IReadOnlyList<ShardRow> shards, IReadOnlyDictionary<int, NodeIncarnation> pending, int maxMoves)
    {
        var moves = new List<Proposal>();
        var moved = new HashSet<int>(pending.Keys);
        var types = shards.Select(shard => shard.EntityType).Distinct().Order(StringComparer.Ordinal).ToList();
        while (moves.Count < maxMoves && (WithinType(loads, types) ?? OverTypes(loads, types)) is { } move)
        {
            var shard = shards.Where(shard => shard.Owner == move.From && shard.EntityType == move.Type && !moved.Contains(shard.ShardId)).MaxBy(shard => shard.Number);
            if (shard is null)
            {
                break;
            }

            moved.Add(shard.ShardId);
            loads.Remove(move.From, move.Type);
            loads.Add(move.To, move.Type);
            moves.Add(new Move(shard.ShardId, shard.Epoch, move.From, move.To));
        }

        return moves;
    }

    private static (string Type, NodeIncarnation From, NodeIncarnation To)? WithinType(Loads loads, List<string> types)
    {
        foreach (var type in types)
        {
            if (loads.Least(type) is { } to && loads.Most(type) is { } from && loads.Of(from, type) - loads.Of(to, type) > 1)
            {
                return (type, from, to);
            }
        }

        return null;
    }

    /// <summary>From the node with the most shards to the one with the fewest: a type of which it has one more.</summary>
    private static (string Type, NodeIncarnation From, NodeIncarnation To)? OverTypes(Loads loads, List<string> types)
    {
        (string Type, NodeIncarnation From, NodeIncarnation To)? best = null;
        var difference = 1;
        foreach (var type in types)
        {
            foreach (var from in loads.Hosts(type))
            {
                foreach (var to in loads.Hosts(type))
                {
                    if (loads.Of(from) - loads.Of(to) > difference && loads.Of(from, type) > loads.Of(to, type))
                    {
                        (best, difference) = ((type, from, to), loads.Of(from) - loads.Of(to));
                    }
                }
            }
        }

        return best;
    }

    /// <summary>How many shards each eligible node has, or will have.</summary>
    private sealed class Loads(IReadOnlyList<PlacementNode> nodes)
    {
        private readonly PlacementNode[] _eligible =
            [.. nodes.Where(node => node.Eligible).OrderBy(node => node.Node.Node, StringComparer.Ordinal).ThenBy(node => node.Node.Incarnation)];

        private readonly Dictionary<(NodeIncarnation, string), int> _ofType = [];
        private readonly Dictionary<NodeIncarnation, int> _total = [];

        public void Add(NodeIncarnation node, string type) => Count(node, type, 1);

        public void Remove(NodeIncarnation node, string type) => Count(node, type, -1);

        public int Of(NodeIncarnation node, string type) => _ofType.GetValueOrDefault((node, type));

        public int Of(NodeIncarnation node) => _total.GetValueOrDefault(node);

        public IEnumerable<NodeIncarnation> Hosts(string type) => _eligible.Where(node => node.Hosts.Contains(type)).Select(node => node.Node);

        public NodeIncarnation? Least(string type)
        {
            NodeIncarnation? least = null;
            foreach (var node in Hosts(type))
            {
                if (least is not { } other || (Of(node, type), Of(node)).CompareTo((Of(other, type), Of(other))) < 0)
                {
                    least = node;
                }
            }

            return least;
        }

        public NodeIncarnation? Most(string type)
        {
            NodeIncarnation? most = null;
            foreach (var node in Hosts(type))
            {
                if (most is not { } other || (Of(node, type), Of(node)).CompareTo((Of(other, type), Of(other))) > 0)
                {
                    most = node;
                }
            }

            return most;
        }

        private void Count(NodeIncarnation node, string type, int by)
        {
            _ofType[(node, type)] = Of(node, type) + by;
            _total[node] = Of(node) + by;
        }
    }
}
