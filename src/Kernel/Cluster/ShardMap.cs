using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>Every shard of the types that were started on this node, and where it is. What is newer wins, whoever says it.</summary>
internal sealed class ShardMap(TimeProvider time)
{
    private readonly Lock _gate = new();
    private volatile Dictionary<int, ShardSlot> _slots = [];
    private volatile ShardSlot[] _ordered = [];

    /// <summary>In the order of their ids.</summary>
    public IReadOnlyList<ShardSlot> Slots => _ordered;

    public ShardSlot? Find(int shardId) => _slots.GetValueOrDefault(shardId);

    /// <summary>In the order of their numbers.</summary>
    public ShardSlot[] Add(IReadOnlyList<ShardRow> rows)
    {
        lock (_gate)
        {
            var slots = new Dictionary<int, ShardSlot>(_slots);
            foreach (var row in rows)
            {
                slots.TryAdd(row.ShardId, new ShardSlot(row.ShardId, row.EntityType, row.Number, time));
            }

            _slots = slots;
            _ordered = [.. slots.Values.OrderBy(slot => slot.ShardId)];
            return [.. rows.OrderBy(row => row.Number).Select(row => slots[row.ShardId])];
        }
    }

    /// <summary>What the store says. An owner that does not live is none.</summary>
    /// <returns>The shards of which that was news.</returns>
    public IReadOnlyList<int> Learn(IReadOnlyList<ShardRow> rows, MembershipView view)
    {
        var news = new List<int>();
        foreach (var row in rows)
        {
            if (Find(row.ShardId)?.LearnFromStore(new ShardRoute(row.Owner is { } owner && view.Find(owner) is { } member ? member.Peer : null, row.Epoch)) == true)
            {
                news.Add(row.ShardId);
            }
        }

        return news;
    }

    /// <summary>The routes to one that is gone lead nowhere.</summary>
    public void Forget(Peer peer)
    {
        foreach (var slot in _ordered)
        {
            if (slot.Route is { Owner: { } owner, Epoch: var epoch } && owner == peer)
            {
                slot.Learn(new ShardRoute(null, epoch));
            }
        }
    }
}
