using System.Buffers;
using RagCluster.Kernel;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;
using RagCluster.Kernel.Transport.Handshakes;

namespace RagCluster.TestKit;

/// <summary>One node's end of a <see cref="SimulatedNetwork"/>.</summary>
public sealed class SimulatedTransport : ITransport
{
    private readonly SimulatedNetwork _network;
    private readonly Dictionary<Peer, Outbound> _outbound = [];
    private readonly List<Outbound> _outboundInOrder = [];
    private readonly Dictionary<Peer, SimulatedLink> _inbound = [];
    private readonly HashSet<NodeIncarnation> _forgotten = [];
    private readonly List<Action> _atResume = [];
    private bool _closed;

    internal SimulatedTransport(SimulatedNetwork network, string address, IRuntime runtime, WireRelease release)
    {
        _network = network;
        Address = address;
        Runtime = runtime;
        Release = release;
    }

    public string Address { get; }

    internal IRuntime Runtime { get; }

    internal WireRelease Release { get; }

    internal ITransportHandler? Handler { get; private set; }

    internal Peer Self { get; private set; }

    internal bool Paused { get; private set; }

    public ValueTask StartAsync(NodeIncarnation self, ITransportHandler handler, CancellationToken cancellationToken = default)
    {
        if (Handler is not null)
        {
            throw new InvalidOperationException("The transport is already started.");
        }

        if (!_network.TryListen(this))
        {
            throw new IOException($"Another endpoint listens at {Address}.");
        }

        Self = new Peer(self, Address);
        Handler = handler;
        return default;
    }

    public ValueTask SendAsync<TMessage>(Peer peer, TMessage message, CancellationToken cancellationToken = default)
        where TMessage : IWireMessage
    {
        cancellationToken.ThrowIfCancellationRequested();
        var outbound = Reach(peer, out var refusal);
        if (outbound is null)
        {
            return ValueTask.FromException(refusal!);
        }

        var bytes = BytesOf(message);
        if (outbound.Takes)
        {
            outbound.Link!.Enqueue(bytes, TMessage.Lane);
            return default;
        }

        return new ValueTask(outbound.WaitAsync(bytes, TMessage.Lane, cancellationToken));
    }

    public bool TrySend<TMessage>(Peer peer, TMessage message)
        where TMessage : IWireMessage
    {
        if (Reach(peer, out _) is not { Takes: true } outbound)
        {
            return false;
        }

        var bytes = BytesOf(message);
        if (Release.Beside(bytes) is { } more)
        {
            outbound.Link!.Enqueue(more, TMessage.Lane);
        }

        outbound.Link!.Enqueue(bytes, TMessage.Lane);
        return true;
    }

    public void Forget(Peer peer)
    {
        _forgotten.Add(peer.Node);
        var reason = new IOException($"{peer} was given up.");
        if (_outbound.Remove(peer, out var outbound))
        {
            _outboundInOrder.Remove(outbound);
            outbound.Fail(reason);
            outbound.Link?.LoseAtSender(reason);
        }

        _inbound.GetValueOrDefault(peer)?.LoseAtReceiver(reason);
    }

    public IReadOnlyList<LinkStatus> Describe() =>
    [
        .. _outboundInOrder.Select(o => new LinkStatus(
            o.Peer, true, o.Link is not null, o.Link?.QueuedBytes ?? 0, o.Link?.MessagesSent ?? 0, o.Link?.BytesSent ?? 0, 0, 0, o.Failures)),
        .. _inbound.OrderBy(pair => pair.Key.ToString(), StringComparer.Ordinal).Select(pair => new LinkStatus(
            pair.Key, false, true, 0, 0, 0, pair.Value.MessagesReceived, pair.Value.BytesReceived, 0)),
    ];

    /// <summary>Closes in good order: what is queued still goes, if the paths let it.</summary>
    public ValueTask DisposeAsync()
    {
        if (_closed)
        {
            return default;
        }

        var links = _network.LinksOf(this);
        Die();
        foreach (var link in links)
        {
            if (link.From == this && !link.SenderClosed)
            {
                link.Finish();
            }
            else if (link.To == this)
            {
                link.LoseAtReceiver(new IOException("This node closed its transport."));
            }
        }

        _network.Remove(this);
        return default;
    }

    internal void Die()
    {
        _closed = true;
        foreach (var outbound in _outboundInOrder)
        {
            outbound.Fail(new PeerUnreachableException("This node's transport is closed."));
        }

        _outbound.Clear();
        _outboundInOrder.Clear();
        _inbound.Clear();
        _atResume.Clear();
        Paused = false;
    }

    internal void Pause() => Paused = true;

    internal void Resume()
    {
        Paused = false;
        var actions = _atResume.ToArray();
        _atResume.Clear();
        foreach (var action in actions)
        {
            // A little later: it handles some of what has arrived before it learns what it has missed.
            _network.After(_network.DelayFrom(Address, Address), action);
        }
    }

    internal void WhenRunning(Action action)
    {
        if (Paused)
        {
            _atResume.Add(action);
        }
        else
        {
            action();
        }
    }

    internal void RoomMade(SimulatedLink link)
    {
        if (!Paused && _outbound.TryGetValue(link.ToPeer, out var outbound) && outbound.Link == link)
        {
            outbound.Admit();
        }
    }

    internal void OutboundLost(SimulatedLink link, Exception reason)
    {
        if (_outbound.TryGetValue(link.ToPeer, out var outbound) && outbound.Link == link)
        {
            outbound.Link = null;
            outbound.Fail(reason);
        }

        TellLost(link, link.ToPeer, reason);
    }

    internal void InboundLost(SimulatedLink link, Exception reason)
    {
        if (_inbound.GetValueOrDefault(link.FromPeer) == link)
        {
            _inbound.Remove(link.FromPeer);
        }

        TellLost(link, link.FromPeer, reason);
    }

    private void TellLost(SimulatedLink link, Peer peer, Exception reason)
    {
        if (!_closed)
        {
            _network.LinksLost++;
            _network.Happened?.Invoke($"link {link} lost at {Address}: {reason.Message}");
            Runtime.Schedule(new Turn(() => Handler!.LinkLost(peer, reason)));
        }
    }

    private Outbound? Reach(Peer peer, out PeerUnreachableException? refusal)
    {
        refusal = _closed || Handler is null ? new PeerUnreachableException("This node's transport is not open.")
            : _forgotten.Contains(peer.Node) ? new PeerUnreachableException($"{peer} was given up.")
            : peer.Address == Address ? new PeerUnreachableException($"{peer} has this node's own address.")
            : null;
        if (refusal is not null)
        {
            return null;
        }

        if (!_outbound.TryGetValue(peer, out var outbound))
        {
            outbound = new Outbound(this, peer);
            _outbound.Add(peer, outbound);
            _outboundInOrder.Add(outbound);
        }

        if (outbound.Link is null && !outbound.Connecting)
        {
            if (_network.Time.GetUtcNow() < outbound.NotBefore)
            {
                refusal = new PeerUnreachableException($"{peer} cannot be reached: {outbound.LastFailure}");
                return null;
            }

            outbound.Connect();
        }

        return outbound;
    }

    private SimulatedLink? Accept(Peer from, Peer to, SimulatedTransport opener, out string? refusal)
    {
        if (SimulatedHandshake.Try(opener, this, to, _network.Random, peer => _forgotten.Contains(peer.Node) ? (RefusalCode.Dead, "it holds this node for dead.") : null, out refusal) is not { } versions)
        {
            return null;
        }

        var former = _inbound.GetValueOrDefault(from);
        former?.LoseAtReceiver(new IOException($"{from} opened a new link."));
        var link = new SimulatedLink(_network, opener, this, from, to) { Former = former, Versions = versions };
        _inbound[from] = link;
        _network.Add(link);
        return link;
    }

    private byte[] BytesOf<TMessage>(TMessage message)
        where TMessage : IWireMessage
    {
        var output = new ArrayBufferWriter<byte>();
        message.WriteTo(output);
        return Release.Dress(output.WrittenSpan.ToArray());
    }

    private sealed class Turn(Action action) : IThreadPoolWorkItem
    {
        public void Execute() => action();
    }

    private sealed class Outbound(SimulatedTransport transport, Peer peer)
    {
        private readonly LinkedList<(byte[] Message, WireLane Lane, TaskCompletionSource Taken)> _waiting = new();
        private DateTimeOffset _giveUp;

        public Peer Peer => peer;

        public SimulatedLink? Link { get; set; }

        public bool Connecting { get; private set; }

        public int Failures { get; private set; }

        public DateTimeOffset NotBefore { get; private set; }

        public string LastFailure { get; private set; } = "no attempt yet";

        public bool Takes => Link is { HasRoom: true } && _waiting.Count == 0;

        private SimulatedNetwork Network => transport._network;

        public async Task WaitAsync(byte[] message, WireLane lane, CancellationToken cancellationToken)
        {
            var taken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var place = _waiting.AddLast((message, lane, taken));
            await using var registration = cancellationToken.UnsafeRegister(
                _ =>
                {
                    if (place.List is not null)
                    {
                        _waiting.Remove(place);
                        taken.TrySetCanceled(cancellationToken);
                    }
                },
                null);
            await taken.Task;
        }

        public void Admit()
        {
            while (Link is { HasRoom: true } && _waiting.First is { } first)
            {
                _waiting.RemoveFirst();
                Link.Enqueue(first.Value.Message, first.Value.Lane);
                first.Value.Taken.TrySetResult();
            }
        }

        public void Fail(Exception reason)
        {
            while (_waiting.First is { } first)
            {
                _waiting.RemoveFirst();
                first.Value.Taken.TrySetException(new PeerUnreachableException($"{peer} cannot be reached: {reason.Message}", reason));
            }
        }

        public void Connect()
        {
            Connecting = true;
            _giveUp = Network.Time.GetUtcNow() + Network.Options.ConnectTimeout;
            Attempt();
        }

        private void Attempt()
        {
            var there = Network.DelayFrom(transport.Address, peer.Address) + Network.DelayFrom(peer.Address, transport.Address);
            Network.After(there, () => transport.WhenRunning(Arrive));
        }

        private void Arrive()
        {
            if (transport._closed || !Connecting)
            {
                return;
            }

            var target = Network.At(peer.Address);
            var passes = Network.Passes(transport.Address, peer.Address) && Network.Passes(peer.Address, transport.Address);
            if (!passes || target is { Paused: true })
            {
                if (Network.Time.GetUtcNow() >= _giveUp)
                {
                    Refused("the attempt to connect timed out.");
                }
                else
                {
                    // The next SYN of TCP.
                    Network.After(TimeSpan.FromSeconds(1), () => transport.WhenRunning(Arrive));
                }
            }
            else if (target is null)
            {
                Refused("nobody listens at the address.");
            }
            else if (transport._forgotten.Contains(peer.Node))
            {
                Refused("it was given up.");
            }
            else if (target.Accept(transport.Self, peer, transport, out var refusal) is not { } link)
            {
                Refused(refusal!);
            }
            else
            {
                Connecting = false;
                Failures = 0;
                Link = link;
                Admit();
                link.PathChanged();
            }
        }

        private void Refused(string why)
        {
            Connecting = false;
            LastFailure = why;
            var backoff = Math.Min(Network.Options.GreatestBackoff.Ticks, Network.Options.LeastBackoff.Ticks * Math.Pow(2, Math.Min(Failures++, 20)));
            NotBefore = Network.Time.GetUtcNow() + TimeSpan.FromTicks((long)(backoff * (0.5 + (Network.Random.NextDouble() / 2))));
            Fail(new IOException(why));
        }
    }
}
