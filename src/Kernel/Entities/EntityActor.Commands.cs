using System.Text.Json;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Entities;

internal sealed partial class EntityActor<TEntity, TState, TCommand, TEvent, TReply>
{
    private const int MaxGathered = 256;

    private List<Decided> _gathering = [];
    private List<Decided>? _underWay;
    private Task<AppendResult>? _append;
    private (TState State, long Seq) _ahead = (TEntity.Initial(new EntityId(handle.Id)), 0);
    private bool? _remembered;

    private async ValueTask ExecuteAsync(EntityRequest<TCommand, TReply> request, CancellationToken cancellationToken)
    {
        if (!request.TryStart())
        {
            return;
        }

        if (request.CommandId is { } id && TryRepeat(id, request))
        {
            KernelMetrics.RepeatedCommands.Add(1, KernelMetrics.Type(TEntity.Type));
            return;
        }

        if (!services.MayRead)
        {
            // A decision without events would be a read, too.
            request.Fail(new EntityUnavailableException("This node's lease is over: another one may already answer for the entity. The command took no effect."));
            return;
        }

        if (TryAnswer(request))
        {
            return;
        }

        Decided decided;
        try
        {
            decided = Decide(request);
        }
        catch (Exception e)
        {
            // Nothing has been touched: what was evolved is a value that is dropped.
            EntityLog.CommandFailed(Log, e, TEntity.Type, _id.Value, request.Command?.GetType().Name ?? "null");
            request.Fail(new CommandFailedException($"{TEntity.Type} \"{_id}\" could not decide {request.Command?.GetType().Name}: {e.Message}", e));
            return;
        }

        if (decided.Events.Count == 0 && _underWay is null)
        {
            request.Reply(decided.Reply, _seq);
            return;
        }

        // Without events, too, it waits its turn: it was decided knowing events that are not durable yet.
        _gathering.Add(decided);
        if (decided.Events.Count > 0)
        {
            _ahead = (decided.Events[^1].State, decided.Events[^1].Recorded.Seq);
        }

        StartAppend();
        while (_gathering.Count >= MaxGathered)
        {
            await FinishAsync(cancellationToken);
        }
    }

    private bool TryRepeat(string id, EntityRequest<TCommand, TReply> request)
    {
        if (_commands.TryGet(id, out var earlier))
        {
            request.Reply(earlier.Reply, earlier.Seq);
            return true;
        }

        var same = _underWay?.Find(decided => decided.Request.CommandId == id) ?? _gathering.Find(decided => decided.Request.CommandId == id);
        if (same is null)
        {
            return false;
        }

        same.Repeats.Add(request);
        return true;
    }

    private Decided Decide(EntityRequest<TCommand, TReply> request)
    {
        var now = services.Runtime.Time.GetUtcNow();
        var (state, seq) = _ahead;
        var decision = TEntity.Decide(state, request.Command, now);
        var events = new List<Evolved>(decision.Events.Count);
        var rows = new List<NewEvent>(decision.Events.Count);
        for (var i = 0; i < decision.Events.Count; i++)
        {
            var recorded = new Recorded<TEvent>(++seq, decision.Events[i]);
            state = TEntity.Evolve(state, recorded.Event);
            events.Add(new Evolved(recorded, state));
            var commandId = i == decision.Events.Count - 1 ? request.CommandId : null;
            rows.Add(new NewEvent(
                _id.Value,
                seq,
                commandId,
                commandId is null ? default : JsonSerializer.SerializeToUtf8Bytes(decision.Reply, definition.ReplyJson),
                JsonSerializer.SerializeToUtf8Bytes(recorded.Event, definition.EventJson),
                now));
        }

        return new Decided(request, decision.Reply, events, rows);
    }

    private void StartAppend()
    {
        if (_underWay is not null || _gathering.Count == 0)
        {
            return;
        }

        (_underWay, _gathering) = (_gathering, []);
        var rows = _underWay.Count == 1 ? _underWay[0].Rows : [.. _underWay.SelectMany(decided => decided.Rows)];
        if (rows.Count == 0)
        {
            _append = Task.FromResult(AppendResult.Committed);
        }
        else
        {
            var open = TEntity.HasOpenWork(_ahead.State);
            _append = writer.AppendAsync(new EntityAppend(_id.Value, rows, open == _remembered ? null : open));
            _remembered = open;
        }

        var ended = new AppendEnded(_underWay);
        Context.PipeToSelf(_append, _ => ended, _ => ended);
    }

    /// <summary>Waits for the batch under way, if need be, and finishes its commands; then the next one goes.</summary>
    private async ValueTask FinishAsync(CancellationToken cancellationToken)
    {
        var batch = _underWay!;
        AppendResult result;
        try
        {
            result = await _append!;
        }
        catch (StoreException e)
        {
            DropAhead(new EntityUnavailableException($"The store did not take the command, which took no effect: {e.Message}", e));
            return;
        }

        switch (result)
        {
            case AppendResult.Committed:
                while (batch.Count > 0)
                {
                    await CommittedAsync(batch[0], cancellationToken);
                    batch.RemoveAt(0);
                }

                _underWay = null;
                StartAppend();
                SnapshotIfDue();
                break;
            case AppendResult.Fenced:
                DropAhead(new EntityUnavailableException("The shard has another owner; the command took no effect."));
                break;
            case AppendResult.Conflict:
                DropAhead(new EntityUnavailableException("The entity's log is not as this node knew it; the command took no effect."));
                throw new InvalidDataException($"The log of {TEntity.Type} \"{_id}\" already has events after {_seq}.");
            case AppendResult.Unknown:
                Fail(batch, new EntityFailedException("The shard closed before the store said whether the command took effect."));
                DropAhead(new EntityUnavailableException("The shard is closing; the command took no effect."));
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(cancellationToken), result, "Not a result of an append.");
        }
    }

    private async ValueTask CommittedAsync(Decided decided, CancellationToken cancellationToken)
    {
        var events = new Recorded<TEvent>[decided.Events.Count];
        for (var i = 0; i < events.Length; i++)
        {
            var (recorded, state) = decided.Events[i];
            (_state, _seq) = (state, recorded.Seq);
            events[i] = recorded;
            _recent.Add(recorded);
            if (i == events.Length - 1 && decided.Request.CommandId is { } id)
            {
                _commands.Add(id, decided.Reply, recorded.Seq);
            }

            _behavior.Applied(recorded);
        }

        if (events.Length > 0)
        {
            await _behavior.CommittedAsync(events, cancellationToken);
            foreach (var recorded in events)
            {
                Publish(recorded);
            }

            ForgetRecent();
        }

        decided.Request.Reply(decided.Reply, _seq);
        foreach (var repeat in decided.Repeats)
        {
            repeat.Reply(decided.Reply, _seq);
        }
    }

    /// <summary>Nothing that is not durable has happened.</summary>
    private void DropAhead(Exception reason)
    {
        Fail(_underWay ?? [], reason);
        Fail(_gathering, reason);
        _underWay = null;
        _gathering = [];
        _ahead = (_state, _seq);
        _remembered = null;
    }

    /// <summary>
    /// Before this instance ends, so that the next one reads a log at rest: lets the append under way end, and tells
    /// those who wait. A durable command gets its reply even if its effects were cut short; recovery takes them up.
    /// </summary>
    private async ValueTask SettleAsync(StopReason reason)
    {
        if (_underWay is { } batch)
        {
            AppendResult? result = null;
            try
            {
                result = await _append!;
            }
            catch (StoreException)
            {
                // Told to those who wait, below.
                result = AppendResult.Fenced;
            }

            foreach (var decided in batch)
            {
                Settle(decided, result.Value, reason);
            }
        }

        _underWay = null;
        DropAhead(new EntityUnavailableException($"{TEntity.Type} \"{_id}\" left memory ({reason}); the command took no effect."));
    }

    private void Settle(Decided decided, AppendResult result, StopReason reason)
    {
        if (result == AppendResult.Committed && reason != StopReason.Failed && decided.Events.Count > 0)
        {
            var seq = decided.Events[^1].Recorded.Seq;
            decided.Request.Reply(decided.Reply, seq);
            decided.Repeats.ForEach(repeat => repeat.Reply(decided.Reply, seq));
            return;
        }

        Fail(
            [decided],
            result is AppendResult.Committed or AppendResult.Unknown
                ? new EntityFailedException($"{TEntity.Type} \"{_id}\" left memory ({reason}) while the command was under way.")
                : new EntityUnavailableException($"{TEntity.Type} \"{_id}\" left memory ({reason}); the command took no effect."));
    }

    private static void Fail(List<Decided> commands, Exception reason)
    {
        foreach (var decided in commands)
        {
            decided.Request.Fail(reason);
            decided.Repeats.ForEach(repeat => repeat.Fail(reason));
        }
    }

    /// <param name="Recorded">The event.</param>
    /// <param name="State">The state after it.</param>
    private readonly record struct Evolved(Recorded<TEvent> Recorded, TState State);

    private sealed record Decided(EntityRequest<TCommand, TReply> Request, TReply Reply, List<Evolved> Events, List<NewEvent> Rows)
    {
        /// <summary>The same command, sent again while it was under way.</summary>
        public List<EntityRequest<TCommand, TReply>> Repeats { get; } = [];
    }
}
