using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport.Handshakes;
using RagCluster.Kernel.Transport.Links;

namespace RagCluster.Kernel.Transport;

/// <summary>
/// The transport over TCP: to each peer one connection that this node opens, from each peer one that the peer opens.
/// See docs/decisions/0008 for the protocol and why it is so.
/// </summary>
/// <remarks>It uses real sockets and threads; simulations use a network of their own. What can be pure (frames, handshakes, the queue) is.</remarks>
public sealed partial class TcpTransport : ITransport
{
    private readonly ConcurrentDictionary<Peer, OutboundLink> _outbound = new();
    private readonly Dictionary<Peer, InboundLink> _inbound = [];

    /// <summary>Also those that a newer one of the same peer has replaced, as long as the handler is at work on them.</summary>
    private readonly List<InboundLink> _entered = [];

    /// <summary>Of each node the newest incarnation that is known to be dead; older ones are dead as well.</summary>
    private readonly Dictionary<string, long> _dead = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();
    private readonly TlsIdentity? _tls;
    private readonly byte[]? _key;
    private readonly HostPort _address;
    private readonly Connection.Listener _listener;
    private readonly CancellationTokenSource _closing = new();
    private HandshakeTerms? _terms;
    private ITransportHandler? _handler;
    private ITimer? _sweep;
    private long _sweptAt;
    private TransportTotals _gone;
    private bool _closed;

    /// <summary>Takes the address, so that it is known; nobody is let in before <see cref="StartAsync"/>.</summary>
    /// <exception cref="ArgumentException">The options cannot work.</exception>
    /// <exception cref="IOException">The address is taken or not this machine's, or a certificate cannot be read.</exception>
    public TcpTransport(TcpTransportOptions options, IRuntime runtime, ILogger<TcpTransport>? log = null)
    {
        Options = options;
        Runtime = runtime;
        Log = log ?? NullLogger<TcpTransport>.Instance;
        Limit = new LogLimit(runtime.Time);
        if (!HostPort.TryParse(options.Address, out _address))
        {
            throw new ArgumentException($"The transport's address \"{options.Address}\" is none; write host:port.");
        }

        if (options.Secret is null && options.Tls is null)
        {
            throw new ArgumentException("The transport needs a secret or TLS certificates: without, anybody on the network could act as a node of this cluster.");
        }

        if (options.Secret is { Length: < Proofs.LeastSecretLength })
        {
            throw new ArgumentException($"The transport's secret is too short; give at least {Proofs.LeastSecretLength} characters, such as the output of: openssl rand -base64 32");
        }

        if (options.DetectionTime < 2 * options.HeartbeatInterval)
        {
            throw new ArgumentException($"The transport's detection time ({options.DetectionTime}) must be at least twice its heartbeat interval ({options.HeartbeatInterval}), or healthy links are taken for lost.");
        }

        _key = options.Secret is null ? null : Proofs.Key(options.Secret, options.Cluster);
        _tls = options.Tls is null ? null : new TlsIdentity(options.Tls, runtime.Time, Log);
        _listener = new Connection.Listener(BindTo(options.Bind, _address), options.BindPort ?? _address.Port);
        if (options.BindPort is null)
        {
            _address = _address with { Port = _listener.Port };
        }
    }

    public string Address => _address.ToString();

    internal TcpTransportOptions Options { get; }

    internal IRuntime Runtime { get; }

    internal ILogger Log { get; }

    internal LogLimit Limit { get; }

    internal ITransportHandler Handler => _handler!;

    public ValueTask StartAsync(NodeIncarnation self, ITransportHandler handler, CancellationToken cancellationToken = default)
    {
        if (_handler is not null)
        {
            throw new InvalidOperationException("The transport is already started.");
        }

        _listener.Listen();
        _handler = handler;
        _terms = new HandshakeTerms(Options.Cluster, new Peer(self, Address), _key);
        _sweptAt = Runtime.Time.GetTimestamp();
        _sweep = Runtime.Time.CreateTimer(static transport => ((TcpTransport)transport!).Sweep(), this, Options.HeartbeatInterval, Options.HeartbeatInterval);
        TransportMetrics.Add(this);
        TransportLog.Listening(Log, Address, (_tls, _key) switch { (null, _) => "secret, not encrypted", (_, null) => "mutual TLS", _ => "mutual TLS and secret" });
        _ = Runtime.Run(AcceptAsync);
        return default;
    }

    public ValueTask SendAsync<TMessage>(Peer peer, TMessage message, CancellationToken cancellationToken = default)
        where TMessage : IWireMessage
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        return TryReach(peer, out var link, out var why)
            ? link.SendAsync(message, cancellationToken)
            : ValueTask.FromException(new PeerUnreachableException(why!));
    }

    public bool TrySend<TMessage>(Peer peer, TMessage message)
        where TMessage : IWireMessage =>
        TryReach(peer, out var link, out _) && link.TrySend(message);

    public void Forget(Peer peer)
    {
        InboundLink? inbound;
        lock (_lock)
        {
            _dead[peer.Node.Node] = Math.Max(peer.Node.Incarnation, _dead.GetValueOrDefault(peer.Node.Node, long.MinValue));
            inbound = _inbound.GetValueOrDefault(peer);
        }

        var reason = new IOException($"{peer} is held for dead.");
        if (_outbound.TryRemove(peer, out var outbound))
        {
            outbound.Close(reason);
            lock (_lock)
            {
                _gone += outbound.Describe();
            }
        }

        inbound?.Close(reason);
    }

    public IReadOnlyList<LinkStatus> Describe()
    {
        InboundLink[] inbound;
        lock (_lock)
        {
            inbound = [.. _entered];
        }

        return [.. _outbound.Values.Select(link => link.Describe()).Concat(inbound.Select(link => link.Describe())).OrderBy(link => link.Peer.ToString(), StringComparer.Ordinal).ThenBy(link => link.Outbound)];
    }

    public async ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            if (_closed)
            {
                return;
            }

            _closed = true;
        }

        _listener.Dispose();
        using (var patience = new CancellationTokenSource(Options.CloseTimeout, Runtime.Time))
        {
            await Waits.All(_outbound.Values.Select(link => link.FinishAsync(patience.Token)));
        }

        _closing.Cancel();
        if (_sweep is not null)
        {
            await _sweep.DisposeAsync();
        }

        InboundLink[] inbound;
        lock (_lock)
        {
            inbound = [.. _entered];
        }

        foreach (var link in inbound)
        {
            link.Close(new IOException("This node closed its transport."));
        }

        await Waits.All(inbound.Select(link => link.Ended)).EndsWithin(Options.CloseTimeout, Runtime.Time);
        TransportMetrics.Remove(this);
    }

    internal TransportTotals Totals()
    {
        var sum = Describe().Aggregate(default(TransportTotals), (sum, link) => sum + link);
        lock (_lock)
        {
            return sum + _gone;
        }
    }

    internal void TellLost(Peer peer, Exception reason)
    {
        try
        {
            Handler.LinkLost(peer, reason);
        }
        catch (Exception e)
        {
            TransportLog.LostHandlerFailed(Log, e, peer);
        }
    }

    internal void Remove(InboundLink link)
    {
        lock (_lock)
        {
            _gone += link.Describe();
            _entered.Remove(link);
            if (_inbound.GetValueOrDefault(link.Peer) == link)
            {
                _inbound.Remove(link.Peer);
            }
        }
    }

    /// <summary>Null: all addresses.</summary>
    private static IPAddress? BindTo(string? bind, HostPort address)
    {
        if (bind is not null)
        {
            return IPAddress.TryParse(bind, out var ip) ? ip : throw new ArgumentException($"The transport can listen on IP addresses only; \"{bind}\" is none.");
        }

        return IPAddress.TryParse(address.Host, out var own) && IPAddress.IsLoopback(own) ? own : address.IsLoopback ? IPAddress.Loopback : null;
    }

    private bool TryReach(Peer peer, out OutboundLink link, out string? why)
    {
        why = null;
        if (_outbound.TryGetValue(peer, out link!))
        {
            return true;
        }

        lock (_lock)
        {
            why = _closed || _terms is null ? "This node's transport is not open."
                : IsDead(peer.Node) ? $"{peer} is held for dead."
                : peer.Address == Address || peer.Node == _terms.Self.Node ? $"{peer} is this node itself, or has its address."
                : !HostPort.TryParse(peer.Address, out _) ? $"{peer} has no address that could be dialled."
                : _outbound.Count >= Options.MaxLinks ? $"This node has {Options.MaxLinks} links already, as many as it may."
                : null;
            if (why is null)
            {
                link = _outbound.GetOrAdd(peer, static (peer, transport) => new OutboundLink(transport, peer), this);
            }
        }

        return why is null;
    }

    private bool IsDead(NodeIncarnation node) => _dead.TryGetValue(node.Node, out var newest) && node.Incarnation <= newest;

    private void Sweep()
    {
        // A process that was stopped, or starved, finds its sockets unread: that is not its peers' silence.
        var now = Runtime.Time.GetTimestamp();
        var lenient = Runtime.Time.GetElapsedTime(_sweptAt, now) > Options.HeartbeatInterval + (Options.DetectionTime / 2);
        _sweptAt = now;
        foreach (var link in _outbound.Values)
        {
            link.Sweep(lenient);
        }

        InboundLink[] inbound;
        lock (_lock)
        {
            inbound = [.. _entered];
        }

        foreach (var link in inbound)
        {
            link.Sweep(lenient);
        }
    }
}
