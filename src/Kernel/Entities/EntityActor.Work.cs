using System.Text.Json;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Entities;

/// <summary>What an entity does beside its turns: background work, answers that take time, snapshots.</summary>
internal sealed partial class EntityActor<TEntity, TState, TCommand, TEvent, TReply> : IEntityContext<TState, TCommand, TEvent, TReply>
{
    private static readonly TimeSpan WorkBudget = TimeSpan.FromSeconds(10);

    private readonly Lock _workGate = new();
    private readonly HashSet<Work> _work = [];
    private readonly CancellationTokenSource _stopping = new();
    private bool _savingSnapshot;
    private long _snapshotSeq;

    EntityId IEntityContext<TState, TCommand, TEvent, TReply>.Id => _id;

    TState IEntityContext<TState, TCommand, TEvent, TReply>.State => _state;

    long IEntityContext<TState, TCommand, TEvent, TReply>.Seq => _seq;

    TimeProvider IEntityContext<TState, TCommand, TEvent, TReply>.Time => services.Runtime.Time;

    Random IEntityContext<TState, TCommand, TEvent, TReply>.Random => services.Runtime.Random;

    private int WorkCount
    {
        get
        {
            lock (_workGate)
            {
                return _work.Count;
            }
        }
    }

    void IEntityContext<TState, TCommand, TEvent, TReply>.Run(string name, Func<CancellationToken, Task> work) => Track(name, work);

    void IEntityContext<TState, TCommand, TEvent, TReply>.Run<T>(string name, Func<CancellationToken, Task<T>> work, Action<T> then) => Track(
        name,
        async cancellationToken =>
        {
            var result = await work(cancellationToken);
            await Context.Self.TellAsync(new WorkEnded(this, () => then(result)), cancellationToken);
        });

    ValueTask<Committed<TReply>> IEntityContext<TState, TCommand, TEvent, TReply>.ExecuteAsync(TCommand command, CancellationToken cancellationToken) =>
        SendAsync(command, cancellationToken);

    void IEntityContext<TState, TCommand, TEvent, TReply>.ExecuteLater(TCommand command, TimeSpan delay) => Track(
        "later",
        async cancellationToken =>
        {
            await Task.Delay(delay, services.Runtime.Time, cancellationToken);
            var backoff = services.NewBackoff();
            while (!await TryExecuteAsync(command, cancellationToken))
            {
                // The store refuses just now; who was promised that the command runs later has no other way to it.
                await Task.Delay(backoff.Next(), services.Runtime.Time, cancellationToken);
            }
        });

    /// <summary>False: it had no effect, and trying again is right.</summary>
    private async Task<bool> TryExecuteAsync(TCommand command, CancellationToken cancellationToken)
    {
        try
        {
            await SendAsync(command, cancellationToken);
            return true;
        }
        catch (Exception e) when (e is CommandFailedException or EntityUnavailableException)
        {
            // Nobody waits for the reply: the log is where it is told.
            EntityLog.CommandFailed(Log, e, TEntity.Type, _id.Value, command?.GetType().Name ?? "null");
            return e is CommandFailedException;
        }
    }

    private async ValueTask<Committed<TReply>> SendAsync(TCommand command, CancellationToken cancellationToken)
    {
        var request = new EntityRequest<TCommand, TReply>(command, commandId: null);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _stopping.Token);
        try
        {
            await Context.Self.TellAsync(request, either.Token);
            return await request.ReplyAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            // The next instance goes on with this mailbox: it must not find a command of this one's work there.
            request.TryAbandon();
            throw;
        }
    }

    private void Track(string name, Func<CancellationToken, Task> work)
    {
        var tracked = new Work(name);
        lock (_workGate)
        {
            _work.Add(tracked);
        }

        tracked.Task = services.Runtime.Run(() => RunAsync(tracked, work));
    }

    private async Task RunAsync(Work tracked, Func<CancellationToken, Task> work)
    {
        try
        {
            await work(_stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // As asked; recovery takes the work up again.
        }
        catch (Exception e)
        {
            if (!_stopping.IsCancellationRequested)
            {
                await Context.Self.TellAsync(new WorkFailed(tracked.Name, e));
            }
        }
        finally
        {
            lock (_workGate)
            {
                _work.Remove(tracked);
            }
        }
    }

    private bool TryAnswer(EntityRequest<TCommand, TReply> request)
    {
        Task<TReply> answer;
        try
        {
            if (!_behavior.TryAnswer(request.Command, _stopping.Token, out var value))
            {
                return false;
            }

            answer = value.AsTask();
        }
        catch (Exception e)
        {
            answer = Task.FromException<TReply>(e);
        }

        if (answer.IsCompletedSuccessfully)
        {
            request.Reply(answer.Result, _seq);
        }
        else
        {
            var seq = _seq;
            Track("answer", _ => AnswerAsync(request, answer, seq));
        }

        return true;
    }

    private async Task AnswerAsync(EntityRequest<TCommand, TReply> request, Task<TReply> answer, long seq)
    {
        try
        {
            request.Reply(await answer, seq);
        }
        catch (OperationCanceledException e) when (_stopping.IsCancellationRequested)
        {
            request.Fail(new EntityUnavailableException($"{TEntity.Type} \"{_id}\" left memory before it had answered.", e));
        }
        catch (Exception e)
        {
            var command = request.Command?.GetType().Name ?? "null";
            EntityLog.CommandFailed(Log, e, TEntity.Type, _id.Value, command);
            request.Fail(new CommandFailedException($"{TEntity.Type} \"{_id}\" could not answer {command}: {e.Message}", e));
        }
    }

    private async ValueTask CancelWorkAsync()
    {
        await services.Runtime.Run(() =>
        {
            // What hangs on the token is anyone's code; it runs beside this turn.
            _stopping.Cancel();
            return Task.CompletedTask;
        });
        Work[] left;
        lock (_workGate)
        {
            left = [.. _work];
        }

        foreach (var work in left)
        {
            if (!await work.Task.EndsWithin(WorkBudget, services.Runtime.Time))
            {
                EntityLog.WorkDidNotEnd(Log, work.Name, TEntity.Type, _id.Value, WorkBudget);
            }
        }
    }

    private void SnapshotIfDue()
    {
        if (definition.StateJson is null || definition.Options.SnapshotEvery == 0 || _savingSnapshot || _seq - _snapshotSeq < definition.Options.SnapshotEvery)
        {
            return;
        }

        // What it is about is taken in this turn; the rest, which may be long, is done beside the next ones.
        var (state, seq, commands) = (_state, _seq, _commands.Save());
        ValueTask<ReadOnlyMemory<byte>> attachment;
        try
        {
            attachment = _behavior.SaveAsync(_stopping.Token);
        }
        catch (Exception e)
        {
            SnapshotEnded(new SnapshotEnded(seq, false, e));
            return;
        }

        _savingSnapshot = true;
        Track("snapshot", _ => SaveSnapshotAsync(state, seq, commands, attachment));
    }

    private async Task SaveSnapshotAsync(TState state, long seq, byte[] commands, ValueTask<ReadOnlyMemory<byte>> attaching)
    {
        SnapshotEnded ended;
        try
        {
            var attachment = await attaching;
            var json = JsonSerializer.SerializeToUtf8Bytes(state, definition.StateJson!);
            var snapshot = new Snapshot(_id.Value, seq, json, commands, attachment, services.Runtime.Time.GetUtcNow());
            ended = new SnapshotEnded(seq, await services.Store.SaveSnapshotAsync(_shardId, writer.Epoch, snapshot, CancellationToken.None), null);
            if (ended.Saved)
            {
                await TidyAsync(attachment);
            }
        }
        catch (Exception e) when (!_stopping.IsCancellationRequested)
        {
            ended = new SnapshotEnded(seq, false, e);
        }

        await Context.Self.TellAsync(ended, _stopping.Token);
    }

    private async Task TidyAsync(ReadOnlyMemory<byte> attachment)
    {
        try
        {
            await _behavior.SavedAsync(attachment, _stopping.Token);
        }
        catch (Exception e) when (!_stopping.IsCancellationRequested)
        {
            EntityLog.SnapshotNotTidied(Log, e, TEntity.Type, _id.Value);
        }
    }

    private void SnapshotEnded(SnapshotEnded ended)
    {
        _savingSnapshot = false;

        // Also after a failure: the next try comes after as many events again, and recovery is only slower until then.
        _snapshotSeq = ended.Seq;
        if (ended.Saved)
        {
            KernelMetrics.SnapshotsSaved.Add(1, KernelMetrics.Type(TEntity.Type));
        }
        else
        {
            EntityLog.SnapshotNotSaved(Log, ended.Reason, TEntity.Type, _id.Value, ended.Seq);
        }
    }

    private sealed class Work(string name)
    {
        public string Name => name;

        public Task Task { get; set; } = Task.CompletedTask;
    }
}
