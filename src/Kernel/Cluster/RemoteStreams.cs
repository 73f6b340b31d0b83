using System.Buffers;
using System.Collections.Concurrent;
using System.Text.Json.Serialization.Metadata;
using System.Threading.Channels;
using RagCluster.Kernel.Cluster.Wire;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>A subscription of this node on another one.</summary>
internal abstract class RemoteStream(long id, int shardId, Peer owner)
{
    public long Id => id;

    public int ShardId => shardId;

    public Peer Owner => owner;

    public abstract void Receive(ref WireReader events);

    public abstract void End(Outcome outcome, string? reason, ShardRoute? route);
}

/// <param name="after">The last event that the reader has.</param>
internal sealed class RemoteStream<TEvent>(long id, int shardId, Peer owner, long after, JsonTypeInfo<TEvent> json) : RemoteStream(id, shardId, owner)
{
    /// <summary>Bounded by the credit that the owner was given.</summary>
    private readonly Channel<Recorded<TEvent>> _events = Channel.CreateUnbounded<Recorded<TEvent>>(new UnboundedChannelOptions { SingleReader = true, SingleWriter = false });
    private long _last = after;

    public ChannelReader<Recorded<TEvent>> Events => _events.Reader;

    /// <summary>Valid once <see cref="Events"/> has ended.</summary>
    public (Outcome Outcome, string? Reason, ShardRoute? Route) Ended { get; private set; } = (Outcome.LinkLost, null, null);

    public override void Receive(ref WireReader events)
    {
        var seq = events.Number();
        var count = events.Int32();
        var payload = new SequenceReader<byte>(events.Payload);
        for (; count > 0; count--, seq++)
        {
            if (seq != _last + 1)
            {
                throw new InvalidDataException($"Event {seq} of a subscription follows {_last}.");
            }

            if (!TryReadVarint(ref payload, out var length) || length > payload.Remaining)
            {
                throw new InvalidDataException("The events of a subscription are cut short.");
            }

            _events.Writer.TryWrite(new Recorded<TEvent>(seq, WireJson.Read(payload.UnreadSequence.Slice(0, length), json)));
            payload.Advance(length);
            _last = seq;
        }
    }

    public override void End(Outcome outcome, string? reason, ShardRoute? route)
    {
        lock (_events)
        {
            if (_events.Reader.Completion.IsCompleted)
            {
                return;
            }

            Ended = (outcome, reason, route);
        }

        _events.Writer.TryComplete();
    }

    private static bool TryReadVarint(ref SequenceReader<byte> reader, out long value)
    {
        value = 0;
        for (var shift = 0; shift < 35; shift += 7)
        {
            if (!reader.TryRead(out var next))
            {
                return false;
            }

            value |= (long)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>This node's subscriptions on other nodes.</summary>
internal sealed class RemoteStreams
{
    private readonly ConcurrentDictionary<long, RemoteStream> _streams = new();

    public int Count => _streams.Count;

    public void Add(RemoteStream stream) => _streams[stream.Id] = stream;

    public void Remove(RemoteStream stream) => _streams.TryRemove(stream.Id, out _);

    /// <summary>Null: the reader has gone, and its leaving has got lost.</summary>
    public RemoteStream? Find(long id) => _streams.GetValueOrDefault(id);

    public void LinkLost(Peer peer) => End(stream => stream.Owner == peer, $"The link to {peer} was lost.");

    public void Moved(int shardId, Peer owner) => End(stream => stream.ShardId == shardId && stream.Owner != owner, "The shard has another owner.");

    private void End(Func<RemoteStream, bool> which, string reason)
    {
        foreach (var stream in _streams.Values.Where(which).OrderBy(stream => stream.Id))
        {
            stream.End(Outcome.LinkLost, reason, null);
        }
    }
}
