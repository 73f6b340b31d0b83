using RagCluster.Kernel.Cluster.Wire;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>
/// The way to the entities of one type, wherever in the cluster they live: here, on another node, or just on their way.
/// </summary>
/// <remarks>
/// 1. A shard that is here is asked directly.
/// 2. One that is elsewhere is asked by message, which carries the epoch it was routed by and what is left of the time. An
///    answer "moved" is followed.
/// 3. One that is nowhere is waited for; so many commands wait for one shard, and no more.
/// 4. Where an attempt ends without an answer (a lost link, a takeover in mid-command), its effect is not known: the command is
///    sent again with the same id until its time is over, and then the caller is told "not known". Who is told "no effect" can rely on it.
/// </remarks>
internal sealed partial class ClusterRegion<TEntity, TState, TCommand, TEvent, TReply>(
    EntityDefinition<TEntity, TState, TCommand, TEvent, TReply> definition,
    IReadOnlyList<ShardSlot> slots,
    LocalEntities<TEntity, TState, TCommand, TEvent, TReply> entities,
    ClusterNode node)
    : IRegion<TCommand, TEvent, TReply>
    where TEntity : IEntity<TState, TCommand, TEvent, TReply>
{
    private const int MaxCommandId = 1000;
    private static readonly TimeSpan LeastWait = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan GreatestWait = TimeSpan.FromMilliseconds(500);

    public async ValueTask<Committed<TReply>> AskAsync(
        EntityId id, TCommand command, CommandId? commandId, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        var slot = slots[id.Bucket(slots.Count)];
        ArgumentOutOfRangeException.ThrowIfGreaterThan(commandId?.Value.Length ?? 0, MaxCommandId, nameof(commandId));
        using var deadline = new CancellationTokenSource(timeout, node.Runtime.Time);
        using var either = cancellationToken.CanBeCanceled ? CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, deadline.Token) : null;
        var attempt = new Attempt(id, command, commandId?.Value, timeout, node.Runtime.Time.GetTimestamp(), either?.Token ?? deadline.Token);
        try
        {
            return await AskAsync(slot, attempt);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested && deadline.IsCancellationRequested)
        {
            throw attempt.MayHaveTakenEffect
                ? new TimeoutException($"{TEntity.Type} \"{id}\" did not reply within {timeout}; whether the command took effect is not known. {attempt.LastReason}", e)
                : new EntityUnavailableException($"{TEntity.Type} \"{id}\" did not take the command within {timeout}; it took no effect. {attempt.LastReason}", e);
        }
    }

    private async ValueTask<Committed<TReply>> AskAsync(ShardSlot slot, Attempt attempt)
    {
        Backoff? backoff = null;
        while (true)
        {
            var seen = slot.Changed.Version;
            if (node.Over is { } over)
            {
                throw Unavailable(attempt, $"This node is no member of the cluster any more. {over}");
            }

            if (slot.Local is { } shard)
            {
                // One that is just opening is waited for like one on its way: so many commands, and no more.
                if (shard is { IsRefusing: false, Epoch: not null } && await TryAskHereAsync(shard, attempt) is { } reply)
                {
                    return reply;
                }
            }
            else if (slot.Route is { Owner: { } owner } route && owner.Node != node.Membership.Self)
            {
                var answer = await AskThereAsync(slot, owner, route.Epoch, attempt);
                switch (answer.Outcome)
                {
                    case Outcome.Done:
                        return answer.Reply;
                    case Outcome.CommandFailed:
                        throw new CommandFailedException(answer.Reason ?? "The entity could not decide the command.");
                    case Outcome.EntityFailed:
                        throw new EntityFailedException(answer.Reason ?? "The entity failed.");
                    case Outcome.Unavailable when !attempt.MayHaveTakenEffect:
                        throw new EntityUnavailableException(answer.Reason ?? "The entity could not take the command.");
                    case Outcome.Moved when answer.Route is { } newer && slot.Learn(newer):
                        // Known better now: at once.
                        continue;
                    case Outcome.TimedOut or Outcome.Interrupted or Outcome.LinkLost:
                        attempt.MayHaveTakenEffect = true;
                        break;
                }

                attempt.LastReason = answer.Reason;
                node.Membership.Look();
            }

            backoff ??= new Backoff(LeastWait, GreatestWait, node.Runtime.Random);
            await WaitAsync(slot, seen, attempt, backoff.Next());
        }
    }

    /// <summary>Null: the shard has left while the command was under way, and the attempt knows whether it may have taken effect.</summary>
    private async ValueTask<Committed<TReply>?> TryAskHereAsync(Shard shard, Attempt attempt)
    {
        var request = new EntityRequest<TCommand, TReply>(attempt.Command, attempt.CommandId);
        try
        {
            return await entities.AskAsync(shard, attempt.Id, request, attempt.Token);
        }
        catch (EntityUnavailableException) when (shard.IsRefusing)
        {
            return null;
        }
        catch (EntityUnavailableException) when (attempt.MayHaveTakenEffect)
        {
            return null;
        }
        catch (EntityFailedException e) when (shard.IsRefusing)
        {
            (attempt.MayHaveTakenEffect, attempt.LastReason) = (true, e.Message);
            return null;
        }
        catch (OperationCanceledException)
        {
            attempt.MayHaveTakenEffect |= !request.TryAbandon();
            throw;
        }
    }

    private async ValueTask<RemoteReply<TReply>> AskThereAsync(ShardSlot slot, Peer owner, long epoch, Attempt attempt)
    {
        var ask = new PendingAsk<TReply>(node.Asks.NextId(), slot.ShardId, owner, definition.ReplyJson);
        node.Asks.Add(ask);
        var sent = false;
        try
        {
            ClusterMetrics.RemoteAsks.Add(1);
            var left = attempt.Left(node.Runtime.Time);
            var message = new AskMessage<TCommand>(ask.Id, slot.ShardId, epoch, left, attempt.Id.Value, attempt.CommandId, attempt.Command, definition.CommandJson!);
            await (definition.IsLarge?.Invoke(attempt.Command) == true
                ? node.Courier.Transport.SendAsync(owner, new LargeAskMessage<TCommand>(message), attempt.Token)
                : node.Courier.Transport.SendAsync(owner, message, attempt.Token));
            sent = true;
            return await ask.ReplyAsync(attempt.Token);
        }
        catch (PeerUnreachableException e)
        {
            return new RemoteReply<TReply>(Outcome.Busy, default, e.Message);
        }
        catch (ArgumentException e) when (!sent)
        {
            throw new CommandFailedException($"{TEntity.Type} \"{attempt.Id}\" is on {owner}, and the command cannot be sent there: {e.Message}", e);
        }
        catch (OperationCanceledException) when (sent)
        {
            attempt.MayHaveTakenEffect = true;
            node.Courier.TrySend(owner, new CancelMessage(WireKind.Cancel, ask.Id));
            throw;
        }
        finally
        {
            node.Asks.Remove(ask);
        }
    }

    private async ValueTask WaitAsync(ShardSlot slot, long seen, Attempt attempt, TimeSpan atMost)
    {
        if (slot.Changed.Waiting >= node.Options.BufferPerShard)
        {
            ClusterMetrics.BufferFull.Add(1);
            throw Unavailable(attempt, $"Shard {slot.EntityType}/{slot.Number} is on its way, and {node.Options.BufferPerShard} commands wait for it already.");
        }

        if (attempt.Attempts++ == 0)
        {
            ClusterMetrics.Buffered.Add(1);
        }
        else
        {
            ClusterMetrics.Retries.Add(1);
        }

        await slot.Changed.WaitAsync(seen, atMost, attempt.Token);
    }

    private static Exception Unavailable(Attempt attempt, string reason) => attempt.MayHaveTakenEffect
        ? new EntityFailedException($"{reason} Whether the command took effect is not known: send it again with the same id.")
        : new EntityUnavailableException($"{reason} The command took no effect.");

    /// <summary>One command on its way, over all the places where it is tried.</summary>
    private sealed class Attempt(EntityId id, TCommand command, string? commandId, TimeSpan timeout, long start, CancellationToken token)
    {
        public EntityId Id => id;

        public TCommand Command => command;

        public string? CommandId => commandId;

        public CancellationToken Token => token;

        public bool MayHaveTakenEffect { get; set; }

        public string? LastReason { get; set; }

        public int Attempts { get; set; }

        public TimeSpan Left(TimeProvider time)
        {
            var most = TimeSpan.FromMilliseconds(int.MaxValue - 1);
            var left = timeout == Timeout.InfiniteTimeSpan ? most : timeout - time.GetElapsedTime(start);
            return left < TimeSpan.Zero ? TimeSpan.Zero : left > most ? most : left;
        }
    }
}
