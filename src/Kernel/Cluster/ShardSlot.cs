using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>Who has a shard.</summary>
/// <param name="Owner">Null while it has none, or is on its way to another.</param>
/// <param name="Epoch">A greater one is newer; under the same one, "on its way" is newer than an owner.</param>
internal sealed record ShardRoute(Peer? Owner, long Epoch)
{
    public static ShardRoute Unknown { get; } = new(null, -1);

    public bool IsNewerThan(ShardRoute other) => Epoch > other.Epoch || (Epoch == other.Epoch && Owner is null && other.Owner is not null);
}

/// <summary>One shard as this node knows it: where it is, and if it is here, what holds it.</summary>
internal sealed class ShardSlot(int shardId, string entityType, int number, TimeProvider time)
{
    private const int EnoughRows = 3;

    private readonly Lock _gate = new();
    private volatile ShardRoute _route = ShardRoute.Unknown;
    private int _contradicted;
    private volatile Shard? _local;

    public int ShardId => shardId;

    public string EntityType => entityType;

    public int Number => number;

    public ShardRoute Route => _route;

    /// <summary>This node's tenure, from before it claims until after it has given up; null elsewhere.</summary>
    public Shard? Local => _local;

    public Pulse Changed { get; } = new(time);

    /// <summary>False if what is known is as new, or newer.</summary>
    public bool Learn(ShardRoute route)
    {
        lock (_gate)
        {
            if (!route.IsNewerThan(_route))
            {
                return false;
            }

            (_route, _contradicted) = (route, 0);
        }

        Changed.Beat();
        return true;
    }

    /// <summary>
    /// The store's row. Where this node believes a shard on its way and row after row has its owner, the owner may have given
    /// up giving it up: asking it again tells.
    /// </summary>
    public bool LearnFromStore(ShardRoute row)
    {
        lock (_gate)
        {
            if (!row.IsNewerThan(_route))
            {
                if (row.Epoch != _route.Epoch || row.Owner is null || _route.Owner is not null || ++_contradicted < EnoughRows)
                {
                    return false;
                }
            }

            (_route, _contradicted) = (row, 0);
        }

        Changed.Beat();
        return true;
    }

    /// <summary>False if there is a tenure already.</summary>
    public bool Begin(Shard shard)
    {
        lock (_gate)
        {
            if (_local is not null)
            {
                return false;
            }

            _local = shard;
        }

        Changed.Beat();
        return true;
    }

    public void End(Shard shard)
    {
        lock (_gate)
        {
            if (_local == shard)
            {
                _local = null;
            }
        }

        Changed.Beat();
    }
}
