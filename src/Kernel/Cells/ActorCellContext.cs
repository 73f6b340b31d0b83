using Microsoft.Extensions.Logging;
using RagCluster.Kernel.DeadLetters;

namespace RagCluster.Kernel.Cells;

/// <summary>What the actor calls, and what comes back to it.</summary>
#pragma warning disable CA1001 // The token source has no timer and hands out no wait handle, so there is nothing to dispose.
internal sealed partial class ActorCell<T> : IActorContext<T>
#pragma warning restore CA1001
{
    public IActorRef<T> Self => this;

    public TimeProvider Time => System.Time;

    public Random Random => System.Random;

    public ILogger Log => System.LogOf(_actor?.GetType() ?? typeof(Actor<T>));

    public int StashedCount => _extras?.Stash?.Count ?? 0;

    private CellExtras<T> Extras => _extras ??= new CellExtras<T>();

    public IActorRef<TChild> Spawn<TChild>(string name, Func<Actor<TChild>> create, SpawnOptions? options = null) =>
        State is ActorState.Starting or ActorState.Running
            ? System.Spawn(this, Relations.Children, name, create, options)
            : throw new InvalidOperationException($"{Path} is stopping or restarting and starts no children.");

    public void Stop(StopReason reason = StopReason.Stopped) => RequestStop(reason);

    public void Stop(IActorRef target, StopReason reason = StopReason.Stopped) => Of(target).RequestStop(reason);

    public Task StopAsync(IActorRef target, StopReason reason = StopReason.Stopped) =>
        ReferenceEquals(target, this)
            ? throw new ArgumentException($"{Path} cannot await its own end; call Stop().", nameof(target))
            : System.StopAsync(target, reason);

    public void Watch(IActorRef target, Func<StopReason, T> message)
    {
        var cell = Of(target);
        var watching = Extras.Watching ??= [];
        var isNew = !watching.ContainsKey(cell);
        watching[cell] = message;
        if (isNew)
        {
            cell.AddWatcher(this);
        }
    }

    public void Unwatch(IActorRef target)
    {
        var cell = Of(target);
        if (_extras?.Watching?.Remove(cell) == true)
        {
            cell.RemoveWatcher(this);
        }
    }

    internal ValueTask TerminatedAsync(ActorCell target, StopReason reason)
    {
        if (_extras?.Watching?.Remove(target, out var message) != true)
        {
            return ValueTask.CompletedTask;
        }

        try
        {
            return DeliverAsync(message!(reason));
        }
        catch (Exception e)
        {
            return FailAsync(e);
        }
    }

    public void StartTimer(object key, T message, TimeSpan due, TimeSpan? period = null)
    {
        CancelTimer(key);
        var timer = new ActorTimer<T>(this, key, message, period is not null);
        (Extras.Timers ??= [])[key] = timer;
        timer.Start(due, period);
    }

    public bool CancelTimer(object key)
    {
        if (_extras?.Timers is not { } timers || !timers.Remove(key, out var timer))
        {
            return false;
        }

        timer.Dispose();
        return true;
    }

    public bool IsTimerActive(object key) => _extras?.Timers?.ContainsKey(key) == true;

    internal ValueTask TickedAsync(ActorTimer<T> timer)
    {
        if (_extras?.Timers?.GetValueOrDefault(timer.Key) != timer)
        {
            return ValueTask.CompletedTask;
        }

        if (!timer.Periodic)
        {
            CancelTimer(timer.Key);
        }

        return DeliverAsync(timer.Message);
    }

    public void SetReceiveTimeout(TimeSpan? timeout, T message)
    {
        Extras.IdleTimer?.Dispose();
        Extras.IdleTimer = timeout is { } span ? new IdleTimer<T>(this, span, message) : null;
    }

    internal bool IsIdleTimer(IdleTimer<T> timer) => _extras?.IdleTimer == timer;

    public void PipeToSelf<TResult>(Task<TResult> task, Func<TResult, T> success, Func<Exception, T> failure) =>
        _ = PipeAsync(task, _instance!, success, failure);

    public void PipeToSelf<TResult>(Func<CancellationToken, Task<TResult>> work, Func<TResult, T> success, Func<Exception, T> failure)
    {
        var instance = _instance!;
        _ = System.Runtime.Run(() => PipeAsync(work(instance.Token), instance, success, failure));
    }

    internal ValueTask PipedAsync(T message, object instance)
    {
        if (ReferenceEquals(instance, _instance) && State == ActorState.Running)
        {
            return DeliverAsync(message);
        }

        System.DeadLetters.Add(Path, message, DeadLetterReason.Abandoned);
        return ValueTask.CompletedTask;
    }

    internal ValueTask PipeFailedAsync(Exception failure, object instance) =>
        ReferenceEquals(instance, _instance) && State == ActorState.Running ? FailAsync(failure) : ValueTask.CompletedTask;

    public void Stash(T message)
    {
        var stash = Extras.Stash ??= new Queue<T>();
        if (stash.Count >= Options.StashCapacity)
        {
            throw new StashFullException(
                $"{Path} has stashed {stash.Count} messages, as many as its StashCapacity allows. Raise it, or answer the senders that they should come later.");
        }

        stash.Enqueue(message);
    }

    public void UnstashAll()
    {
        if (_extras?.Stash is not { Count: > 0 } stash)
        {
            return;
        }

        if (_extras.Unstashed is not { Count: > 0 } waiting)
        {
            (_extras.Unstashed, _extras.Stash) = (stash, _extras.Unstashed);
            return;
        }

        // Some of an earlier unstash still wait; those stashed since are younger.
        while (stash.TryDequeue(out var message))
        {
            waiting.Enqueue(message);
        }
    }

    /// <summary>Hands the actor a message that did not come through the mailbox.</summary>
    internal ValueTask DeliverAsync(T message)
    {
        if (State != ActorState.Running)
        {
            System.DeadLetters.Add(Path, message, DeadLetterReason.Abandoned);
            return ValueTask.CompletedTask;
        }

        try
        {
            _handled++;
            return FinishAsync(_actor!.ReceiveAsync(message, _instance!.Token));
        }
        catch (Exception e)
        {
            return FailAsync(e);
        }
    }

    private async Task PipeAsync<TResult>(Task<TResult> task, object instance, Func<TResult, T> success, Func<Exception, T> failure)
    {
        Signal<T> signal;
        try
        {
            T message;
            try
            {
                message = success(await task);
            }
            catch (Exception e) when (!task.IsCompletedSuccessfully)
            {
                message = failure(e);
            }

            signal = new PipedSignal<T>(message, instance);
        }
        catch (Exception e)
        {
            signal = new FailureSignal<T>(e, instance);
        }

        PostSignal(signal);
    }
}
