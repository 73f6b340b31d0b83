namespace RagCluster.Kernel.Cells;

/// <summary>One timer of one actor. Its identity is its generation: a tick of a timer that was replaced finds another in its place.</summary>
internal sealed class ActorTimer<T>(ActorCell<T> cell, object key, T message, bool periodic) : IDisposable
{
    private ITimer? _timer;
    private int _onItsWay;

    internal object Key { get; } = key;

    internal T Message { get; } = message;

    internal bool Periodic { get; } = periodic;

    internal void Start(TimeSpan due, TimeSpan? period) =>
        _timer = cell.System.Time.CreateTimer(static self => ((ActorTimer<T>)self!).Tick(), this, due, period ?? Timeout.InfiniteTimeSpan);

    public void Dispose() => _timer?.Dispose();

    private void Tick()
    {
        if (Interlocked.Exchange(ref _onItsWay, 1) == 0)
        {
            cell.PostSignal(new TickSignal(this));
        }
    }

    private sealed class TickSignal(ActorTimer<T> timer) : Signal<T>
    {
        internal override ValueTask RunAsync(ActorCell<T> cell)
        {
            Volatile.Write(ref timer._onItsWay, 0);
            return cell.TickedAsync(timer);
        }
    }
}

/// <summary>Notices that an actor has handled nothing for a while. One running clock per actor, not one per message.</summary>
internal sealed class IdleTimer<T> : IDisposable
{
    private readonly ActorCell<T> _cell;
    private readonly TimeSpan _timeout;
    private readonly ITimer _timer;
    private long _last;

    internal IdleTimer(ActorCell<T> cell, TimeSpan timeout, T message)
    {
        (_cell, _timeout, Message) = (cell, timeout, message);
        _last = cell.System.Time.GetTimestamp();
        _timer = cell.System.Time.CreateTimer(static self => ((IdleTimer<T>)self!).Tick(), this, timeout, Timeout.InfiniteTimeSpan);
    }

    internal T Message { get; }

    internal void Touch() => _last = _cell.System.Time.GetTimestamp();

    public void Dispose() => _timer.Dispose();

    private void Tick() => _cell.PostSignal(new TickSignal(this));

    private sealed class TickSignal(IdleTimer<T> timer) : Signal<T>
    {
        internal override ValueTask RunAsync(ActorCell<T> cell)
        {
            if (!cell.IsIdleTimer(timer))
            {
                return ValueTask.CompletedTask;
            }

            var left = timer._timeout - cell.System.Time.GetElapsedTime(timer._last);
            timer._timer.Change(left > TimeSpan.Zero ? left : timer._timeout, Timeout.InfiniteTimeSpan);
            return left > TimeSpan.Zero ? ValueTask.CompletedTask : cell.DeliverAsync(timer.Message);
        }
    }
}
