using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Entities;

/// <summary>
/// One entity in memory.
/// </summary>
/// <remarks>
/// 1. Recovery: the snapshot, if there is one and the behavior takes it; then the log after it.
/// 2. A command is decided against the state that will be once everything before it is durable, and its events join
///    the next batch. While a batch is under way, the next one gathers; so one entity, too, commits in groups.
/// 3. When a batch is durable, its commands are finished in order: state, Applied, CommittedAsync, subscribers, reply.
/// 4. When a batch is refused, its commands and those decided after it fail; the durable state was never touched.
/// 5. An exception from the behavior is the actor's failure: this instance ends, once its append is settled, and
///    supervision starts another, which recovers from the log.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "Its source has no timer and no handle; work that ends late may still ask for its token.")]
internal sealed partial class EntityActor<TEntity, TState, TCommand, TEvent, TReply>(
    EntityDefinition<TEntity, TState, TCommand, TEvent, TReply> definition,
    EntityHandle handle,
    ShardWriter writer,
    ShardServices services)
    : Actor<EntityMessage>
    where TEntity : IEntity<TState, TCommand, TEvent, TReply>
{
    private readonly EntityId _id = new(handle.Id);
    private readonly int _shardId = handle.Shard.ShardId;
    private readonly RecentEvents<TEvent> _recent = new(definition.Options.RecentEvents);
    private readonly RememberedCommands<TReply> _commands = new(definition.Options.RememberedCommands, definition.ReplyJson);
    private readonly List<Attach<TEvent>> _subscribers = [];
    private EntityBehavior<TState, TCommand, TEvent, TReply> _behavior = definition.Behavior(new EntityId(handle.Id));
    private TState _state = TEntity.Initial(new EntityId(handle.Id));
    private long _seq;
    private bool _live;

    private ILogger Log => services.Log;

    protected internal override async ValueTask StartedAsync(CancellationToken cancellationToken)
    {
        KernelMetrics.EntitiesLive.Add(1, KernelMetrics.Type(TEntity.Type));
        _live = true;
        await services.RecoveryPermits.WaitAsync(cancellationToken);
        try
        {
            await RecoverAsync(cancellationToken);
        }
        finally
        {
            services.RecoveryPermits.Release();
        }

        // Without the permit: the behavior may ask another entity, which may have to recover first.
        await _behavior.RecoveredAsync(cancellationToken);
        if (definition.Options.PassivateAfter != Timeout.InfiniteTimeSpan)
        {
            Context.SetReceiveTimeout(definition.Options.PassivateAfter, Idle.Instance);
        }
    }

    protected internal override async ValueTask ReceiveAsync(EntityMessage message, CancellationToken cancellationToken)
    {
        switch (message)
        {
            case EntityRequest<TCommand, TReply> request:
                await ExecuteAsync(request, cancellationToken);
                break;
            case AppendEnded { Batch: var batch } when batch == _underWay:
                await FinishAsync(cancellationToken);
                break;
            case AppendEnded:
                // It was already finished to make room for more.
                break;
            case Attach<TEvent> attach:
                Attach(attach);
                break;
            case Detach<TEvent> { Attach: var gone }:
                _subscribers.Remove(gone);
                ForgetRecent();
                break;
            case SnapshotEnded ended:
                SnapshotEnded(ended);
                break;
            case WorkEnded ended:
                if (ended.Instance == this)
                {
                    ended.Then();
                }

                break;
            case WorkFailed { Reason: var reason, Work: var work }:
                throw new EntityFailedException($"Work \"{work}\" failed: {reason.Message}", reason);
            case Idle:
                Passivate();
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(message), message, "Not a message to an entity.");
        }
    }

    protected internal override async ValueTask StoppedAsync(StopReason reason)
    {
        if (reason == StopReason.Failed)
        {
            KernelMetrics.EntityFailures.Add(1, KernelMetrics.Type(TEntity.Type));
        }

        await CancelWorkAsync();
        await SettleAsync(reason);
        foreach (var subscriber in _subscribers)
        {
            subscriber.Live.Writer.TryComplete();
        }

        try
        {
            await _behavior.StoppedAsync(reason);
        }
        catch (Exception e)
        {
            EntityLog.StopFailed(Log, e, TEntity.Type, _id.Value, reason);
        }

        if (_live)
        {
            KernelMetrics.EntitiesLive.Add(-1, KernelMetrics.Type(TEntity.Type));
        }
    }

    private async ValueTask RecoverAsync(CancellationToken cancellationToken)
    {
        _behavior.Attach(this);
        if (definition.StateJson is not null && await services.Store.LoadSnapshotAsync(_shardId, _id.Value, cancellationToken) is { } snapshot)
        {
            await RestoreAsync(snapshot, cancellationToken);
        }

        var replayed = 0L;
        while (await services.Store.ReadEntityAsync(_shardId, _id.Value, _seq, PageLimit.Default, cancellationToken) is { Count: > 0 } page)
        {
            foreach (var record in page)
            {
                Replay(record);
            }

            replayed += page.Count;
        }

        _ahead = (_state, _seq);
        ForgetRecent();

        KernelMetrics.Recoveries.Add(1, KernelMetrics.Type(TEntity.Type));
        KernelMetrics.EventsReplayed.Add(replayed, KernelMetrics.Type(TEntity.Type));
    }

    private async ValueTask RestoreAsync(Snapshot snapshot, CancellationToken cancellationToken)
    {
        Exception? failure = null;
        try
        {
            var state = JsonSerializer.Deserialize(snapshot.State.Span, definition.StateJson!);
            if (state is not null && await _behavior.RestoreAsync(snapshot.Attachment, cancellationToken))
            {
                _commands.Load(snapshot.Commands);
                (_state, _seq, _snapshotSeq) = (state, snapshot.Seq, snapshot.Seq);
                return;
            }
        }
        catch (Exception e) when (e is not (OperationCanceledException or StoreException))
        {
            failure = e;
        }

        EntityLog.SnapshotUnusable(Log, failure, TEntity.Type, _id.Value, snapshot.Seq);
        await services.Store.DeleteSnapshotAsync(_shardId, _id.Value, cancellationToken);

        // The behavior may have taken in half of it.
        _behavior = definition.Behavior(_id);
        _behavior.Attach(this);
    }

    private void Replay(JournalRecord record)
    {
        if (record.Seq != _seq + 1)
        {
            throw new InvalidDataException($"The log of {TEntity.Type} \"{_id}\" has a gap: {_seq} is followed by {record.Seq}.");
        }

        var recorded = new Recorded<TEvent>(record.Seq, Deserialize(record.Payload.Span, definition.EventJson));
        _state = TEntity.Evolve(_state, recorded.Event);
        _seq = record.Seq;
        if (record.CommandId is { } commandId)
        {
            _commands.Add(commandId, Deserialize(record.Reply.Span, definition.ReplyJson), record.Seq);
        }

        _recent.Add(recorded);
        _behavior.Applied(recorded);
    }

    private static T Deserialize<T>(ReadOnlySpan<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) =>
        JsonSerializer.Deserialize(json, type) ?? throw new InvalidDataException($"The journal of {TEntity.Type} holds a null {typeof(T).Name}.");

    private void Attach(Attach<TEvent> attach)
    {
        if (!services.MayRead)
        {
            attach.Fail(new EntityUnavailableException("This node's lease is over: subscribe again at the entity's next owner."));
            return;
        }

        if (attach.After > _seq)
        {
            attach.Fail(new ArgumentOutOfRangeException(
                nameof(attach), attach.After, $"{TEntity.Type} \"{_id}\" has {_seq} events: there is nothing after {attach.After}."));
            return;
        }

        _subscribers.Add(attach);
        attach.Answer(new Attached<TEvent>(_seq, _recent.After(attach.After, _seq)));
    }

    /// <summary>Where nobody follows and nothing goes on, most of the entities in memory would keep them for nobody.</summary>
    private void ForgetRecent()
    {
        if (_subscribers.Count == 0 && !TEntity.HasOpenWork(_state))
        {
            _recent.Clear();
        }
    }

    private void Publish(Recorded<TEvent> recorded)
    {
        for (var i = _subscribers.Count - 1; i >= 0; i--)
        {
            if (!_subscribers[i].Live.Writer.TryWrite(recorded))
            {
                // It has gone, or it is too slow: it comes back through the journal.
                _subscribers[i].Live.Writer.TryComplete();
                _subscribers.RemoveAt(i);
            }
        }
    }

    /// <summary>An entity with open work stays: what it waits for may be only in its memory.</summary>
    private void Passivate()
    {
        if (_underWay is null && _gathering.Count == 0 && WorkCount == 0 && !_savingSnapshot && !TEntity.HasOpenWork(_state) && handle.Shard.TryPassivate(handle))
        {
            Context.Stop(StopReason.Passivated);
        }
    }
}
