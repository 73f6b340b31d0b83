using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>How this node sends to others: once, or again until the link stands or the other one is gone.</summary>
internal sealed class Courier(ITransport transport, Func<MembershipView> view, IRuntime runtime)
{
    private static readonly TimeSpan LeastWait = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan GreatestWait = TimeSpan.FromMilliseconds(500);

    /// <summary>A node that is not in the view may be new, and its row not read yet.</summary>
    private static readonly TimeSpan PatienceWithStrangers = TimeSpan.FromSeconds(2);

    public ITransport Transport => transport;

    public bool TrySend<T>(Peer peer, T message)
        where T : IWireMessage => transport.TrySend(peer, message);

    /// <summary>To every other member, as far as there is room: a hint, which polling makes up for.</summary>
    public void Broadcast<T>(T message, Journal.NodeIncarnation self)
        where T : IWireMessage
    {
        foreach (var member in view().Members)
        {
            if (member.Node != self)
            {
                transport.TrySend(member.Peer, message);
            }
        }
    }

    /// <summary>
    /// Sends once a link can be had. Something that no lost link will tell the other end about (it had none) must not get
    /// lost here: it would wait for ever.
    /// </summary>
    /// <returns>False: given up, because the other end is gone or the time is over.</returns>
    public ValueTask<bool> SendAsync<T>(Peer peer, T message, CancellationToken cancellationToken)
        where T : IWireMessage
    {
        try
        {
            var sending = transport.SendAsync(peer, message, cancellationToken);
            return sending.IsCompletedSuccessfully ? ValueTask.FromResult(true) : FinishAsync(sending, peer, message, cancellationToken);
        }
        catch (PeerUnreachableException)
        {
            return FinishAsync(ValueTask.FromException(new PeerUnreachableException()), peer, message, cancellationToken);
        }
    }

    private async ValueTask<bool> FinishAsync<T>(ValueTask sending, Peer peer, T message, CancellationToken cancellationToken)
        where T : IWireMessage
    {
        var backoff = new Backoff(LeastWait, GreatestWait, runtime.Random);
        var start = runtime.Time.GetTimestamp();
        while (true)
        {
            try
            {
                await sending;
                return true;
            }
            catch (PeerUnreachableException)
            {
                if (!view().IsAlive(peer.Node) && runtime.Time.GetElapsedTime(start) > PatienceWithStrangers)
                {
                    return false;
                }
            }
            catch (OperationCanceledException)
            {
                return false;
            }

            try
            {
                await Task.Delay(backoff.Next(), runtime.Time, cancellationToken);
                sending = transport.SendAsync(peer, message, cancellationToken);
            }
            catch (PeerUnreachableException e)
            {
                sending = ValueTask.FromException(e);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }
}
