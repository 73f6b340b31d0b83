using System.Buffers;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Transport.Frames;

namespace RagCluster.Kernel.Transport.Links;

/// <summary>
/// What one peer is to be sent: the queue, who waits for room in it, and the connection, which is made when something is
/// to be sent and none stands.
/// </summary>
internal sealed partial class OutboundLink
{
    private readonly TcpTransport _transport;
    private readonly Lock _lock = new();
    private readonly Waiters _ordinary = new();
    private readonly Waiters _bulk = new();
    private readonly Backoff _backoff;
    private SendQueue _queue;
    private Wakeup _wakeup = new();
    private State _state;
    private Connection? _connection;
    private TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _writerSleeps;
    private bool _finishing;
    private int _failures;
    private string _lastFailure = "no attempt yet";
    private long _notBefore;
    private long _upAt;
    private long _heardAt;
    private long _messagesSent;
    private long _messagesAtSweep;
    private long _bytesSent;

    public OutboundLink(TcpTransport transport, Peer peer)
    {
        (_transport, Peer) = (transport, peer);
        _queue = new SendQueue(transport.Options.MaxMessageBytes);
        _backoff = new Backoff(transport.Options.LeastBackoff, transport.Options.GreatestBackoff, transport.Runtime.Random);
    }

    private enum State
    {
        Idle,
        Connecting,
        Up,

        /// <summary>The connection is gone, and the owner is just being told.</summary>
        Losing,
        Closed,
    }

    public Peer Peer { get; }

    private TimeProvider Time => _transport.Runtime.Time;

    private TcpTransportOptions Options => _transport.Options;

    public ValueTask SendAsync<TMessage>(TMessage message, CancellationToken cancellationToken)
        where TMessage : IWireMessage
    {
        Wakeup? wake;
        lock (_lock)
        {
            if (!Takes(TMessage.Lane))
            {
                return WaitForRoom(message, cancellationToken);
            }

            wake = Append(message);
        }

        wake?.Signal();
        return default;
    }

    public bool TrySend<TMessage>(TMessage message)
        where TMessage : IWireMessage
    {
        Wakeup? wake;
        lock (_lock)
        {
            if (!Takes(TMessage.Lane))
            {
                ConnectIfIdle(out _);
                return false;
            }

            wake = Append(message);
        }

        wake?.Signal();
        return true;
    }

    public LinkStatus Describe()
    {
        lock (_lock)
        {
            return new LinkStatus(
                Peer,
                Outbound: true,
                Connected: _state == State.Up,
                QueuedBytes: _queue.OrdinaryBytes + _queue.BulkBytes,
                MessagesSent: _messagesSent,
                BytesSent: Volatile.Read(ref _bytesSent),
                MessagesReceived: 0,
                BytesReceived: 0,
                Failures: _failures);
        }
    }

    private bool Takes(WireLane lane) =>
        _state == State.Up && !_finishing && WaitersOf(lane).Count == 0 && HasRoom(lane);

    private bool HasRoom(WireLane lane) =>
        (lane == WireLane.Bulk ? _queue.BulkBytes : _queue.OrdinaryBytes) < Options.QueueBytes;

    private Waiters WaitersOf(WireLane lane) => lane == WireLane.Bulk ? _bulk : _ordinary;

    /// <summary>Whom to wake once the lock is released: the writer, if it sleeps.</summary>
    private Wakeup? Append<TMessage>(TMessage message)
        where TMessage : IWireMessage
    {
        _queue.Append(message);
        _messagesSent++;
        return TakeSleep();
    }

    private Wakeup? TakeSleep()
    {
        var sleeps = _writerSleeps;
        _writerSleeps = false;
        return sleeps ? _wakeup : null;
    }

    private ValueTask WaitForRoom<TMessage>(TMessage message, CancellationToken cancellationToken)
        where TMessage : IWireMessage
    {
        if (_state is State.Closed || _finishing)
        {
            return ValueTask.FromException(new PeerUnreachableException($"The link to {Peer} is closed."));
        }

        if (!ConnectIfIdle(out var refusal))
        {
            return ValueTask.FromException(refusal!);
        }

        // The bytes are taken now: the caller's message may change, and its place in the order is decided here.
        var output = new ArrayBufferWriter<byte>();
        message.WriteTo(output);
        _queue.Check(output.WrittenCount);
        return new ValueTask(WaitersOf(TMessage.Lane).WaitAsync(output.WrittenMemory, _lock, cancellationToken));
    }

    /// <summary>False: the last attempt failed, and it is too early for the next.</summary>
    private bool ConnectIfIdle(out PeerUnreachableException? refusal)
    {
        refusal = null;
        if (_state == State.Idle)
        {
            if (Time.GetTimestamp() < _notBefore)
            {
                refusal = new PeerUnreachableException($"{Peer} cannot be reached: {_lastFailure}");
                return false;
            }

            _state = State.Connecting;
            _ = _transport.Runtime.Run(ConnectAsync);
        }

        return true;
    }

    /// <summary>Senders who wait for room, or for the link to stand: first come, first served. The link's lock guards them.</summary>
    private sealed class Waiters
    {
        private readonly LinkedList<Waiter> _waiting = new();

        public int Count => _waiting.Count;

        /// <summary>To be called with the lock held; the task ends when the message is in the queue.</summary>
        public Task WaitAsync(ReadOnlyMemory<byte> message, Lock guard, CancellationToken cancellationToken)
        {
            var waiter = new Waiter(message);
            var place = _waiting.AddLast(waiter);
            return cancellationToken.CanBeCanceled ? WaitAsync(place, guard, cancellationToken) : waiter.Taken.Task;
        }

        public bool TryTake(out Waiter waiter)
        {
            if (_waiting.First is not { } first)
            {
                waiter = null!;
                return false;
            }

            _waiting.RemoveFirst();
            waiter = first.Value;
            return true;
        }

        public void Fail(string why, Exception? reason, Peer peer)
        {
            while (TryTake(out var waiter))
            {
                waiter.Taken.TrySetException(new PeerUnreachableException($"{peer} cannot be reached: {why}", reason ?? new IOException(why)));
            }
        }

        private async Task WaitAsync(LinkedListNode<Waiter> place, Lock guard, CancellationToken cancellationToken)
        {
            await using var registration = cancellationToken.UnsafeRegister(
                (_, token) =>
                {
                    lock (guard)
                    {
                        if (place.List is null)
                        {
                            return;
                        }

                        _waiting.Remove(place);
                    }

                    place.Value.Taken.TrySetCanceled(token);
                },
                null);
            await place.Value.Taken.Task;
        }
    }

    private sealed class Waiter(ReadOnlyMemory<byte> message)
    {
        public ReadOnlyMemory<byte> Message { get; } = message;

        public TaskCompletionSource Taken { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
