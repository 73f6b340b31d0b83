using System.Buffers;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Cluster.Wire;
using RagCluster.Kernel.Entities;

namespace RagCluster.Kernel.Cluster;

/// <summary>The owner's side: carries out what other nodes ask of the entities that live here.</summary>
internal sealed class HostedType<TEntity, TState, TCommand, TEvent, TReply>(
    EntityDefinition<TEntity, TState, TCommand, TEvent, TReply> definition, LocalEntities<TEntity, TState, TCommand, TEvent, TReply> entities, ClusterNode node)
    : IHostedType
    where TEntity : IEntity<TState, TCommand, TEvent, TReply>
{
    private const int MaxBatchEvents = 256;
    private const int MaxBatchBytes = 32 << 10;

    public void Ask(ServedPeer peer, AskHeader ask, ReadOnlySequence<byte> command, Shard shard)
    {
        EntityRequest<TCommand, TReply> request;
        try
        {
            request = new EntityRequest<TCommand, TReply>(WireJson.Read(command, definition.CommandJson!), ask.CommandId);
        }
        catch (InvalidDataException e)
        {
            Refuse(peer, WireKind.Reply, ask.Id, Outcome.CommandFailed, e.Message);
            return;
        }

        var deadline = new CancellationTokenSource(ask.Left, node.Runtime.Time);
        if (!peer.TryBegin(ask.Id, deadline))
        {
            deadline.Dispose();
            Refuse(peer, WireKind.Reply, ask.Id, Outcome.Busy, null);
            return;
        }

        _ = ServeAsync(peer, ask, request, shard, deadline);
    }

    public void Subscribe(ServedPeer peer, SubscribeMessage subscription, Shard shard)
    {
        var stream = new ServedStream(subscription.Id, subscription.Credit, node.Runtime.Time);
        if (peer.TryBegin(stream))
        {
            _ = ServeAsync(peer, stream, subscription, shard);
        }
        else
        {
            Refuse(peer, WireKind.StreamEnded, stream.Id, Outcome.Busy, null);
        }
    }

    private async Task ServeAsync(ServedPeer peer, AskHeader ask, EntityRequest<TCommand, TReply> request, Shard shard, CancellationTokenSource deadline)
    {
        try
        {
            Committed<TReply> reply;
            try
            {
                reply = await entities.AskAsync(shard, new EntityId(ask.Entity), request, deadline.Token);
            }
            catch (Exception e)
            {
                var (outcome, reason) = OutcomeOf(e, request, shard);
                Refuse(peer, WireKind.Reply, ask.Id, outcome, reason, outcome == Outcome.Moved ? shard : null);
                return;
            }

            // Also after the deadline: the asker has gone then, but its node may just learn something from it.
            await node.Courier.SendAsync(peer.Peer, new ReplyMessage<TReply>(ask.Id, reply.Seq, reply.Reply, definition.ReplyJson), deadline.Token);
        }
        catch (Exception e)
        {
            ClusterLog.ServingFailed(node.Log, e, peer.Peer);
            Refuse(peer, WireKind.Reply, ask.Id, Outcome.EntityFailed, e.Message);
        }
        finally
        {
            peer.End(ask.Id);
            deadline.Dispose();
        }
    }

    private static (Outcome Outcome, string? Reason) OutcomeOf(Exception failure, EntityRequest<TCommand, TReply> request, Shard shard) => failure switch
    {
        EntityUnavailableException when shard.IsRefusing => (Outcome.Moved, null),
        EntityUnavailableException e => (Outcome.Unavailable, e.Message),
        EntityFailedException e => (shard.IsRefusing ? Outcome.Interrupted : Outcome.EntityFailed, e.Message),
        CommandFailedException e => (Outcome.CommandFailed, e.Message),
        OperationCanceledException => (request.TryAbandon() ? Outcome.Unavailable : Outcome.TimedOut, $"{TEntity.Type} had no time left for the command."),
        ArgumentException e => (Outcome.CommandFailed, e.Message),
        _ => (Outcome.EntityFailed, failure.Message),
    };

    private async Task ServeAsync(ServedPeer peer, ServedStream stream, SubscribeMessage subscription, Shard shard)
    {
        var (outcome, reason) = (Outcome.Interrupted, (string?)null);
        try
        {
            await PumpAsync(peer, stream, subscription, shard);
        }
        catch (OperationCanceledException) when (stream.Stopping.IsCancellationRequested)
        {
            // The reader has gone, or the link to it; it is told below.
            outcome = Outcome.Interrupted;
        }
        catch (EntityUnavailableException) when (shard.IsRefusing)
        {
            outcome = Outcome.Moved;
        }
        catch (ArgumentOutOfRangeException e)
        {
            (outcome, reason) = (Outcome.OutOfRange, e.Message);
        }
        catch (Exception e)
        {
            (outcome, reason) = (Outcome.Unavailable, e.Message);
        }

        peer.End(stream);
        if (!stream.ReaderLeft)
        {
            Refuse(peer, WireKind.StreamEnded, stream.Id, outcome, reason, outcome == Outcome.Moved ? shard : null);
        }
    }

    /// <summary>What is there at once goes together; what is gathered goes before anything is waited for.</summary>
    private async Task PumpAsync(ServedPeer peer, ServedStream stream, SubscribeMessage subscription, Shard shard)
    {
        var batch = new ArrayBufferWriter<byte>();
        var one = new ArrayBufferWriter<byte>();
        var (first, count) = (0L, 0);
        await using var events = entities.ReadAsync(shard, new EntityId(subscription.Entity), subscription.After, stream.Stopping).GetAsyncEnumerator(stream.Stopping);
        while (true)
        {
            var next = events.MoveNextAsync();
            if (count > 0 && (!next.IsCompleted || count == MaxBatchEvents || batch.WrittenCount >= MaxBatchBytes || stream.Credit == 0))
            {
                if (!await node.Courier.SendAsync(peer.Peer, new EventsMessage(stream.Id, first, count, batch.WrittenMemory), stream.Stopping))
                {
                    // What follows could not be understood without this; the next read ends with it.
                    stream.Stop();
                }

                count = 0;
                batch.ResetWrittenCount();
            }

            if (!await next || stream.Stopping.IsCancellationRequested)
            {
                return;
            }

            await stream.CreditedAsync();
            stream.Take(1);
            first = count++ == 0 ? events.Current.Seq : first;
            one.ResetWrittenCount();
            WireJson.Write(one, events.Current.Event, definition.EventJson);
            batch.Advance(WireWriter.WriteVarint(batch.GetSpan(WireWriter.MaxVarint), (ulong)one.WrittenCount));
            batch.Write(one.WrittenSpan);
        }
    }

    private void Refuse(ServedPeer peer, WireKind kind, long id, Outcome outcome, string? reason, Shard? movedFrom = null) =>
        node.Refuse(peer.Peer, kind, id, outcome, reason, movedFrom?.ShardId ?? 0);
}
