using System.Buffers;
using RagCluster.Kernel.Cluster.Wire;
using RagCluster.Kernel.Entities;

namespace RagCluster.Kernel.Cluster;

/// <summary>The entities of one type as other nodes use them.</summary>
internal interface IHostedType
{
    /// <summary>Starts to carry out a command on a shard that is here. The payload is read before it returns.</summary>
    void Ask(ServedPeer peer, AskHeader ask, ReadOnlySequence<byte> command, Shard shard);

    /// <summary>Starts to serve a subscription on a shard that is here.</summary>
    void Subscribe(ServedPeer peer, SubscribeMessage subscription, Shard shard);
}
