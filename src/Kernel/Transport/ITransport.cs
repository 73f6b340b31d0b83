using System.Buffers;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Transport;

/// <summary>One incarnation of a node, and where it is reached.</summary>
/// <param name="Address">"host:port".</param>
public readonly record struct Peer(NodeIncarnation Node, string Address)
{
    public override string ToString() => $"{Node}@{Address}";
}

/// <summary>A message that writes itself; the transport frames it, and has taken all its bytes when a send returns.</summary>
public interface IWireMessage
{
    static virtual WireLane Lane => WireLane.Ordinary;

    void WriteTo(IBufferWriter<byte> output);
}

/// <summary>Messages of one lane to one peer keep their order; between lanes there is none. Each lane has a queue of its own.</summary>
public enum WireLane
{
    Ordinary,

    /// <summary>For large messages: they travel in parts between the ordinary ones, which therefore do not wait for them.</summary>
    Bulk,
}

/// <summary>
/// Carries messages between nodes. To one peer those of one lane arrive in the order of sending, each at most once; what a lost
/// link had not yet delivered is gone, and both ends hear that the link is lost. Only a reply proves a delivery.
/// </summary>
public interface ITransport : IAsyncDisposable
{
    /// <summary>Where peers reach this node, "host:port".</summary>
    string Address { get; }

    /// <summary>Accepts links and delivers messages from now on. Called once, after the node has its incarnation.</summary>
    /// <exception cref="IOException">The address is taken, or not this machine's.</exception>
    ValueTask StartAsync(NodeIncarnation self, ITransportHandler handler, CancellationToken cancellationToken = default);

    /// <summary>
    /// Hands a message over for the peer, connecting if need be, and waits while the peer's queue is full. Returning
    /// means that it is queued, not that it arrives.
    /// </summary>
    /// <exception cref="PeerUnreachableException">Certainly not sent: no link, and none to be had now; or another incarnation is at the address.</exception>
    ValueTask SendAsync<TMessage>(Peer peer, TMessage message, CancellationToken cancellationToken = default)
        where TMessage : IWireMessage;

    /// <summary>The same without waiting. False: certainly not sent, because the queue is full or there is no link; one is then being made.</summary>
    bool TrySend<TMessage>(Peer peer, TMessage message)
        where TMessage : IWireMessage;

    /// <summary>Closes the links to a peer that is known to be dead, and makes no new ones to this incarnation.</summary>
    void Forget(Peer peer);

    /// <summary>The links as they are now, for people.</summary>
    IReadOnlyList<LinkStatus> Describe();
}

/// <summary>What a node does with what arrives.</summary>
public interface ITransportHandler
{
    /// <summary>
    /// One message, in order within its link. The next one of that link comes when the returned task has ended, so that
    /// waiting here slows the sender down. The bytes are valid until then. Do not wait here for room in a queue to the
    /// same peer: two nodes that both do wait for each other.
    /// </summary>
    ValueTask ReceiveAsync(Peer from, ReadOnlySequence<byte> message, CancellationToken cancellationToken);

    /// <summary>Messages to or from this peer may be lost from here back: whatever waits for its reply must be asked anew or given up.</summary>
    void LinkLost(Peer peer, Exception? reason);
}

/// <param name="Peer">The other end.</param>
/// <param name="Outbound">Opened by this node; messages flow from its opener to the other end only.</param>
/// <param name="QueuedBytes">Handed over and not yet written to the network.</param>
/// <param name="Failures">Attempts to connect that failed since the last link that stood.</param>
public sealed record LinkStatus(
    Peer Peer, bool Outbound, bool Connected, long QueuedBytes, long MessagesSent, long BytesSent, long MessagesReceived, long BytesReceived, int Failures);

/// <summary>The message was certainly not sent.</summary>
public sealed class PeerUnreachableException : Exception
{
    public PeerUnreachableException()
    {
    }

    public PeerUnreachableException(string message)
        : base(message)
    {
    }

    public PeerUnreachableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
