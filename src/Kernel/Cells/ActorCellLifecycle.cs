using RagCluster.Kernel.DeadLetters;
using RagCluster.Kernel.Supervision;

namespace RagCluster.Kernel.Cells;

/// <summary>Start, failure, end. All of it runs in the actor's turn, and none of it throws.</summary>
internal sealed partial class ActorCell<T>
{
    internal override void RequestStop(StopReason reason)
    {
        Volatile.Write(ref _stopAsked, true);
        PostSignal(new StopSignal<T>(reason));

        // The signal waits for the running handler; the token tells that handler not to take long.
        CancelInstance();
    }

    public override void PostTerminated(ActorCell target, StopReason reason) => PostSignal(new TerminatedSignal<T>(target, reason));

    internal override void PostChildFailed(ActorCell child, Exception failure) => PostSignal(new ChildFailedSignal<T>(child, failure));

    internal async ValueTask StartInstanceAsync()
    {
        if (State is ActorState.Stopping or ActorState.Stopped)
        {
            return;
        }

        State = ActorState.Starting;
        Volatile.Write(ref _instance, new CancellationTokenSource());
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _stopAsked))
        {
            // Asked before there was a token to cancel: else a start that waits for something would wait on, before its stop.
            CancelInstance();
        }

        Exception? failure = null;
        try
        {
            var actor = _create();
            actor.Attach(this);
            _actor = actor;
            await actor.StartedAsync(_instance.Token);
        }
        catch (Exception e)
        {
            failure = e;
        }

        if (failure is not null)
        {
            await FailAsync(failure);
            return;
        }

        State = ActorState.Running;
        _mailbox.Resume();
    }

    internal async ValueTask FailAsync(Exception failure)
    {
        if (failure is OperationCanceledException && _instance!.IsCancellationRequested)
        {
            // The handler obeyed: a stop was asked for, and its signal comes next.
            return;
        }

        var strategy = Options.Supervision;
        SupervisionDirective directive;
        try
        {
            directive = strategy.Decide(failure);
        }
        catch (Exception e)
        {
            failure = new AggregateException("The supervision's Decide failed itself, so the actor is stopped.", failure, e);
            directive = SupervisionDirective.Stop;
        }

        switch (directive)
        {
            case SupervisionDirective.Restart:
                await RestartAsync(strategy, failure);
                break;
            case SupervisionDirective.Escalate when Parent is not null:
                KernelLog.Escalated(System.Log, failure, Path);
                State = ActorState.Escalated;
                _mailbox.Suspend();
                Parent.PostChildFailed(this, failure);
                break;
            default:
                KernelLog.StoppedAfterFailure(System.Log, failure, Path);
                await EndAsync(StopReason.Failed);
                break;
        }
    }

    internal ValueTask ChildFailedAsync(ActorCell child, Exception failure) =>
        State is ActorState.Stopping or ActorState.Stopped || child.State == ActorState.Stopped
            ? ValueTask.CompletedTask
            : FailAsync(new ChildFailedException($"{child.Path} failed and escalates: {failure.Message}", failure));

    internal async ValueTask EndAsync(StopReason reason)
    {
        if (State is ActorState.Stopping or ActorState.Stopped)
        {
            return;
        }

        State = ActorState.Stopping;
        foreach (var message in _mailbox.Close())
        {
            System.DeadLetters.Add(Path, message, DeadLetterReason.Abandoned);
        }

        await EndInstanceAsync(reason);
        foreach (var message in (_extras?.Unstashed ?? []).Concat(_extras?.Stash ?? []))
        {
            System.DeadLetters.Add(Path, message, DeadLetterReason.Abandoned);
        }

        if (_extras is { } extras)
        {
            (extras.Unstashed, extras.Stash) = (null, null);
        }

        AnnounceEnd(reason);
    }

    private async ValueTask RestartAsync(SupervisionStrategy strategy, Exception failure)
    {
        var extras = Extras;
        extras.RestartWindow ??= new RestartWindow();
        if (extras.RestartWindow.Next(strategy, System.Time) is not { } restart)
        {
            KernelLog.GaveUpRestarting(System.Log, failure, Path, strategy.MaxRestarts, strategy.Within);
            await EndAsync(StopReason.Failed);
            return;
        }

        var backoff = strategy.Backoff(restart, System.Random);
        KernelLog.Restarting(System.Log, failure, Path, backoff, restart);
        State = ActorState.BackingOff;
        _mailbox.Suspend();
        await EndInstanceAsync(StopReason.Failed);
        extras.Restarts++;
        UnstashAll();
        if (backoff == TimeSpan.Zero)
        {
            PostSignal(new StartSignal<T>());
            return;
        }

        // A stop during the pause wins: the start signal then finds the actor stopped.
        ITimer? timer = null;
        timer = System.Time.CreateTimer(
            _ =>
            {
                timer?.Dispose();
                PostSignal(new StartSignal<T>());
            },
            null,
            backoff,
            Timeout.InfiniteTimeSpan);
    }

    /// <summary>Timers, watches, background work and children belong to the instance and end with it.</summary>
    private async ValueTask EndInstanceAsync(StopReason reason)
    {
        CancelInstance();
        if (_extras is { } extras)
        {
            extras.IdleTimer?.Dispose();
            extras.IdleTimer = null;
            foreach (var timer in extras.Timers?.Values ?? Enumerable.Empty<ActorTimer<T>>())
            {
                timer.Dispose();
            }

            extras.Timers = null;
            foreach (var target in extras.Watching?.Keys ?? Enumerable.Empty<ActorCell>())
            {
                target.RemoveWatcher(this);
            }

            extras.Watching = null;
        }

        await StopChildrenAsync(reason == StopReason.Failed ? StopReason.Stopped : reason);
        try
        {
            if (_actor is { } actor)
            {
                await actor.StoppedAsync(reason);
            }
        }
        catch (Exception e)
        {
            KernelLog.CleanUpFailed(System.Log, e, Path, reason);
        }

        // What StoppedAsync may have started ends as well.
        await StopChildrenAsync(StopReason.Stopped);
        (_actor, _instance) = (null, null);
    }

    private void CancelInstance()
    {
        if (Volatile.Read(ref _instance) is { IsCancellationRequested: false } instance)
        {
            System.Runtime.Schedule(new CancelTurn(System, this, instance));
        }
    }
}
