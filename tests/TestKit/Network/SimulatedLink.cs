using System.Buffers;
using RagCluster.Kernel.Transport;

namespace RagCluster.TestKit;

/// <summary>One connection, with its packets and both its ends. Messages flow from its opener to the other end only.</summary>
internal sealed class SimulatedLink(SimulatedNetwork network, SimulatedTransport from, SimulatedTransport to, Peer fromPeer, Peer toPeer)
{
    private static readonly TimeSpan Retransmission = TimeSpan.FromMilliseconds(200);

    private readonly Queue<(byte[] Message, WireLane Lane)> _queue = new();
    private readonly List<Packet> _stuck = [];
    private readonly Order[] _orders = [new(), new()];
    private readonly Queue<byte[]?> _arrived = new();
    private readonly CancellationTokenSource _receiving = new();
    private ITimer? _senderDetects;
    private ITimer? _receiverDetects;
    private long _onTheWay;
    private bool _pumping;
    private TaskCompletionSource? _pumped;
    private bool _told;
    private bool _finishing;
    private bool _closes;

    private sealed record Packet(WireLane Lane, long Number, byte[]? Message);

    /// <summary>Of one lane: between lanes there is none.</summary>
    private sealed class Order
    {
        public SortedDictionary<long, byte[]?> Early { get; } = [];

        public long Sent { get; set; }

        public long Expected { get; set; }
    }

    internal SimulatedTransport From => from;

    internal SimulatedTransport To => to;

    internal Peer FromPeer => fromPeer;

    internal Peer ToPeer => toPeer;

    internal bool SenderClosed { get; private set; }

    internal bool ReceiverClosed { get; private set; }

    internal long QueuedBytes { get; private set; }

    internal long MessagesSent { get; private set; }

    internal long BytesSent { get; private set; }

    internal long MessagesReceived { get; private set; }

    internal long BytesReceived { get; private set; }

    internal bool HasRoom => QueuedBytes < network.Options.QueueBytes;

    /// <summary>Ends when no handler is at work on a message of this link, and none will be.</summary>
    internal Task Drained => _pumping ? (_pumped ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task : Task.CompletedTask;

    /// <summary>Of the frames, as its opener and its accepter take it to be.</summary>
    internal required (int Opener, int Accepter) Versions { get; init; }

    /// <summary>The link of the same pair that this one replaces.</summary>
    internal SimulatedLink? Former { get; set; }

    public override string ToString() => $"{fromPeer} -> {toPeer}";

    internal void Enqueue(byte[] message, WireLane lane)
    {
        if (SenderClosed)
        {
            network.MessagesLost++;
            return;
        }

        _queue.Enqueue((WireRelease.Frame(message, Versions.Opener), lane));
        QueuedBytes += message.Length;
        Transmit();
    }

    /// <summary>The opener closes in good order: what is queued still goes, if the path lets it.</summary>
    internal void Finish()
    {
        while (_queue.TryDequeue(out var next))
        {
            Launch(next.Message, next.Lane);
        }

        QueuedBytes = 0;
        Launch(null, WireLane.Ordinary);
        CloseSender();
        PathChanged();
    }

    internal void LoseAtSender(Exception reason)
    {
        if (SenderClosed)
        {
            return;
        }

        network.MessagesLost += _queue.Count;
        _queue.Clear();
        QueuedBytes = 0;
        CloseSender();
        from.WhenRunning(() => from.OutboundLost(this, reason));
        PathChanged();
    }

    internal void LoseAtReceiver(Exception reason)
    {
        if (ReceiverClosed)
        {
            return;
        }

        CloseReceiver();
        to.InboundLost(this, reason);
        PathChanged();
    }

    /// <summary>The process of one end is gone.</summary>
    internal void Vanish(SimulatedTransport end, bool silently)
    {
        _told = silently;
        if (end == from && !SenderClosed)
        {
            network.MessagesLost += _queue.Count;
            _queue.Clear();
            CloseSender();
        }

        if (end == to && !ReceiverClosed)
        {
            CloseReceiver();
        }

        if (silently)
        {
            // Nobody sends a reset; the heartbeats of the other end find nobody.
            PathChanged();
        }
    }

    /// <summary>Cuts, pauses or an end have changed: starts and stops what waits for that.</summary>
    internal void PathChanged()
    {
        if (SenderClosed && ReceiverClosed)
        {
            network.Remove(this);
            return;
        }

        var there = network.Passes(from.Address, to.Address);
        var back = network.Passes(to.Address, from.Address);
        var senderBlind = !SenderClosed && !from.Paused && (!there || !back || to.Paused || ReceiverClosed);
        var receiverBlind = !ReceiverClosed && !to.Paused && (!there || from.Paused || (SenderClosed && !_finishing));
        Watch(ref _senderDetects, senderBlind, LoseAtSender, toPeer);
        Watch(ref _receiverDetects, receiverBlind, LoseAtReceiver, fromPeer);

        if (!_told && ((SenderClosed && there) || (ReceiverClosed && back)))
        {
            _told = true;
            network.After(network.DelayFrom(from.Address, to.Address), TellOtherEnd);
        }

        if (there)
        {
            foreach (var packet in _stuck)
            {
                network.After(network.Random.NextDouble() * Retransmission, () => Arrive(packet));
            }

            _stuck.Clear();
        }

        if (!from.Paused)
        {
            Transmit();
        }

        Pump();
    }

    private void TellOtherEnd()
    {
        if (SenderClosed && !ReceiverClosed)
        {
            _told = network.Passes(from.Address, to.Address);
            if (_told && !_finishing)
            {
                to.WhenRunning(() => LoseAtReceiver(new IOException($"{fromPeer} closed the link.")));
            }
        }
        else if (ReceiverClosed && !SenderClosed)
        {
            _told = network.Passes(to.Address, from.Address);
            if (_told)
            {
                LoseAtSender(new IOException($"{toPeer} closed the link."));
            }
        }
    }

    private void Watch(ref ITimer? timer, bool blind, Action<Exception> lose, Peer other)
    {
        if (!blind)
        {
            timer?.Dispose();
            timer = null;
        }
        else
        {
            var after = network.Options.DetectionTime * (0.8 + (network.Random.NextDouble() * 0.4));
            timer ??= network.After(after, () => lose(new TimeoutException($"No sign of {other} for {after.TotalSeconds:0.#} s.")));
        }
    }

    private void Transmit()
    {
        while (!SenderClosed && !from.Paused && _queue.TryPeek(out var next)
            && (_onTheWay == 0 || _onTheWay + next.Message.Length <= network.Options.WindowBytes))
        {
            _queue.Dequeue();
            QueuedBytes -= next.Message.Length;
            Launch(next.Message, next.Lane);
        }

        from.RoomMade(this);
    }

    private void Launch(byte[]? message, WireLane lane)
    {
        _finishing |= message is null;
        _onTheWay += message?.Length ?? 0;
        MessagesSent += message is null ? 0 : 1;
        BytesSent += message?.Length ?? 0;
        var packet = new Packet(lane, _orders[(int)lane].Sent++, message);
        var weather = network.WeatherFrom(from.Address, to.Address);
        var delay = network.DelayFrom(from.Address, to.Address);
        for (var wait = Retransmission; weather.Loss > 0 && network.Random.NextDouble() < weather.Loss; wait *= 2)
        {
            delay += wait;
            if (delay > network.Options.DetectionTime)
            {
                network.After(network.Options.DetectionTime, () => LoseAtSender(new TimeoutException($"{toPeer} acknowledges nothing.")));
                break;
            }
        }

        network.After(delay, () => Arrive(packet));
        if (weather.Duplication > 0 && network.Random.NextDouble() < weather.Duplication)
        {
            network.After(network.DelayFrom(from.Address, to.Address) * 2, () => Arrive(packet));
        }
    }

    private void Arrive(Packet packet)
    {
        if (ReceiverClosed)
        {
            return;
        }

        if (!network.Passes(from.Address, to.Address))
        {
            _stuck.Add(packet);
            return;
        }

        var order = _orders[(int)packet.Lane];
        var again = packet.Number < order.Expected || order.Early.ContainsKey(packet.Number);
        if (network.Options.PassesDisorder || (again && network.Options.PassesDuplicates))
        {
            _arrived.Enqueue(packet.Message);
        }
        else if (!again)
        {
            order.Early[packet.Number] = packet.Message;
            while (order.Early.Remove(order.Expected, out var next))
            {
                order.Expected++;
                if (next is not null)
                {
                    _arrived.Enqueue(next);
                }
                else
                {
                    _closes = true;
                }
            }
        }

        // The goodbye comes behind all that was sent, of both lanes.
        if (_closes && _orders.All(lane => lane.Expected == lane.Sent))
        {
            _closes = false;
            _arrived.Enqueue(null);
        }

        Pump();
    }

    private void Pump()
    {
        if (!_pumping && !ReceiverClosed && !to.Paused && _arrived.Count > 0)
        {
            _pumping = true;
            _ = to.Runtime.Run(PumpAsync);
        }
    }

    private async Task PumpAsync()
    {
        if (Former is { } former)
        {
            await former.Drained;
            Former = null;
        }

        while (!ReceiverClosed && !to.Paused && _arrived.TryDequeue(out var message))
        {
            if (message is null)
            {
                LoseAtReceiver(new IOException($"{fromPeer} closed the link."));
                break;
            }

            MessagesReceived++;
            BytesReceived += message.Length;
            network.MessagesDelivered++;
            try
            {
                // A copy, spoilt afterwards: who keeps the bytes is to notice here and not in production.
                var bytes = WireRelease.Unframe(message, Versions.Accepter);
                await to.Handler!.ReceiveAsync(fromPeer, new ReadOnlySequence<byte>(bytes), _receiving.Token);
                Array.Fill(bytes, (byte)0xDD);
            }
            catch (OperationCanceledException) when (ReceiverClosed)
            {
            }
            catch (Exception e)
            {
                LoseAtReceiver(new InvalidOperationException($"The handler of a message from {fromPeer} failed.", e));
            }

            _onTheWay -= message.Length;
            Transmit();
        }

        _pumping = false;
        _pumped?.TrySetResult();
        _pumped = null;
        Pump();
    }

    private void CloseSender()
    {
        SenderClosed = true;
        _senderDetects?.Dispose();
    }

    private void CloseReceiver()
    {
        ReceiverClosed = true;
        _receiverDetects?.Dispose();
        network.MessagesLost += _arrived.Count(message => message is not null);
        _arrived.Clear();
        _orders[0].Early.Clear();
        _orders[1].Early.Clear();
        _stuck.Clear();
        _receiving.Cancel();
    }
}
