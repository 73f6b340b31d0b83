using System.Diagnostics.Metrics;

namespace RagCluster.Kernel.Transport;

/// <summary>What the transport counts, under the meter "RagCluster.Kernel". What changes with every message is read off the links when somebody looks.</summary>
internal static class TransportMetrics
{
    private static readonly Meter Meter = new("RagCluster.Kernel");

    private static readonly Lock s_lock = new();
    private static readonly List<TcpTransport> s_open = [];

    /// <summary>Of transports that are closed.</summary>
    private static TransportTotals s_closed;

    public static readonly UpDownCounter<long> LinksOut = Meter.CreateUpDownCounter<long>("ragcluster.transport.links.out", "{link}", "Links to peers that stand.");

    public static readonly UpDownCounter<long> LinksIn = Meter.CreateUpDownCounter<long>("ragcluster.transport.links.in", "{link}", "Links from peers that stand.");

    public static readonly Counter<long> LinksLost = Meter.CreateCounter<long>("ragcluster.transport.links.lost", "{link}", "Links that stood and were lost or closed, both directions.");

    public static readonly Counter<long> ConnectFailures = Meter.CreateCounter<long>("ragcluster.transport.connect.failures", "{attempt}", "Attempts to reach a peer that failed.");

    public static readonly Counter<long> HandshakeFailures = Meter.CreateCounter<long>("ragcluster.transport.handshake.failures", "{attempt}", "Inbound connections that were refused, by reason.");

    static TransportMetrics()
    {
        Meter.CreateObservableCounter("ragcluster.transport.sent", () => Totals().Sent, "{message}", "Messages handed to links.");
        Meter.CreateObservableCounter("ragcluster.transport.received", () => Totals().Received, "{message}", "Messages handed to the node by links.");
        Meter.CreateObservableCounter("ragcluster.transport.sent.bytes", () => Totals().SentBytes, "By", "Bytes written to links, before encryption.");
        Meter.CreateObservableCounter("ragcluster.transport.received.bytes", () => Totals().ReceivedBytes, "By", "Bytes read from links, after decryption.");
        Meter.CreateObservableGauge("ragcluster.transport.queue.bytes", () => Totals().Queued, "By", "Bytes handed to links and not yet written.");
    }

    public static void Add(TcpTransport transport)
    {
        lock (s_lock)
        {
            s_open.Add(transport);
        }
    }

    public static void Remove(TcpTransport transport)
    {
        lock (s_lock)
        {
            if (s_open.Remove(transport))
            {
                s_closed += transport.Totals() with { Queued = 0 };
            }
        }
    }

    public static KeyValuePair<string, object?> Reason(Handshakes.RefusalCode code) => new("reason", code switch
    {
        Handshakes.RefusalCode.Malformed => "malformed",
        Handshakes.RefusalCode.Version => "version",
        Handshakes.RefusalCode.Cluster => "cluster",
        Handshakes.RefusalCode.Authentication => "authentication",
        Handshakes.RefusalCode.NotThePeer => "not-the-peer",
        Handshakes.RefusalCode.OwnAddress => "own-address",
        Handshakes.RefusalCode.Dead => "dead",
        Handshakes.RefusalCode.TooManyLinks => "too-many-links",
        _ => "other",
    });

    private static TransportTotals Totals()
    {
        lock (s_lock)
        {
            return s_open.Aggregate(s_closed, (sum, transport) => sum + transport.Totals());
        }
    }
}

internal readonly record struct TransportTotals(long Sent, long SentBytes, long Received, long ReceivedBytes, long Queued)
{
    public static TransportTotals operator +(TransportTotals a, TransportTotals b) =>
        new(a.Sent + b.Sent, a.SentBytes + b.SentBytes, a.Received + b.Received, a.ReceivedBytes + b.ReceivedBytes, a.Queued + b.Queued);

    public static TransportTotals operator +(TransportTotals a, LinkStatus link) =>
        new(a.Sent + link.MessagesSent, a.SentBytes + link.BytesSent, a.Received + link.MessagesReceived, a.ReceivedBytes + link.BytesReceived, a.Queued + (link.Connected ? link.QueuedBytes : 0));
}
