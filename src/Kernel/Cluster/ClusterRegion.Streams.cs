using System.Runtime.CompilerServices;
using RagCluster.Kernel.Cluster.Wire;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>Subscriptions: each round reads from where the shard is, and ends when it leaves or the link is lost; the next goes on after the last event that was seen.</summary>
internal sealed partial class ClusterRegion<TEntity, TState, TCommand, TEvent, TReply>
{
    public IAsyncEnumerable<Recorded<TEvent>> SubscribeAsync(EntityId id, long after, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        return ReadAsync(slots[id.Bucket(slots.Count)], id, after, cancellationToken);
    }

    private async IAsyncEnumerable<Recorded<TEvent>> ReadAsync(ShardSlot slot, EntityId id, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var backoff = new Backoff(LeastWait, GreatestWait, node.Runtime.Random);
        while (true)
        {
            var seen = slot.Changed.Version;
            if (node.Over is { } over)
            {
                throw new EntityUnavailableException($"This node is no member of the cluster any more: subscribe again at another. {over}");
            }

            var round = slot switch
            {
                { Local: { } shard } => shard is { IsRefusing: true } or { Epoch: null } ? null : ReadHereAsync(shard, id, after, cancellationToken),
                { Route: { Owner: { } owner, Epoch: var epoch } } when owner.Node != node.Membership.Self => ReadThereAsync(slot, owner, epoch, id, after, cancellationToken),
                _ => null,
            };

            if (round is not null)
            {
                await foreach (var recorded in round)
                {
                    yield return recorded;
                    after = recorded.Seq;
                    backoff.Reset();
                }

                node.Membership.Look();
            }

            await slot.Changed.WaitAsync(seen, backoff.Next(), cancellationToken);
        }
    }

    private async IAsyncEnumerable<Recorded<TEvent>> ReadHereAsync(Shard shard, EntityId id, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var events = entities.ReadAsync(shard, id, after, cancellationToken).GetAsyncEnumerator(cancellationToken);
        while (true)
        {
            try
            {
                if (!await events.MoveNextAsync())
                {
                    yield break;
                }
            }
            catch (EntityUnavailableException) when (shard.IsRefusing || node.Over is null)
            {
                yield break;
            }

            yield return events.Current;
        }
    }

    private async IAsyncEnumerable<Recorded<TEvent>> ReadThereAsync(
        ShardSlot slot, Peer owner, long epoch, EntityId id, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var credit = node.Options.StreamCredit;
        var stream = new RemoteStream<TEvent>(node.Asks.NextId(), slot.ShardId, owner, after, definition.EventJson);
        node.Streams.Add(stream);
        try
        {
            try
            {
                await node.Courier.Transport.SendAsync(owner, new SubscribeMessage(stream.Id, slot.ShardId, epoch, id.Value, after, credit), cancellationToken);
            }
            catch (PeerUnreachableException)
            {
                yield break;
            }

            var taken = 0;
            while (await stream.Events.WaitToReadAsync(cancellationToken))
            {
                while (stream.Events.TryRead(out var recorded))
                {
                    yield return recorded;
                    if (++taken >= credit / 2)
                    {
                        await node.Courier.SendAsync(owner, new CreditMessage(stream.Id, taken), cancellationToken);
                        taken = 0;
                    }
                }
            }

            if (stream.Ended is { Outcome: Outcome.OutOfRange, Reason: var reason })
            {
                throw new ArgumentOutOfRangeException(nameof(after), after, reason);
            }

            if (stream.Ended.Route is { } route)
            {
                slot.Learn(route);
            }
        }
        finally
        {
            node.Streams.Remove(stream);
            if (!stream.Events.Completion.IsCompleted)
            {
                var leave = new CancelMessage(WireKind.Unsubscribe, stream.Id);
                if (!node.Courier.TrySend(owner, leave))
                {
                    _ = node.Runtime.Run(async () => await node.Courier.SendAsync(owner, leave, node.Membership.Stopping));
                }
            }
        }
    }
}
