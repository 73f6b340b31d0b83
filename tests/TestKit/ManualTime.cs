namespace RagCluster.TestKit;

/// <summary>
/// Time that stands still until a test moves it. Timers run inside <see cref="Advance"/>, on the test's thread, in the
/// order of their due times (those due together: first started first), each seeing its own due time as now.
/// </summary>
public sealed class ManualTime : TimeProvider
{
    private readonly Lock _lock = new();
    private readonly PriorityQueue<(ManualTimer Timer, int Generation), (long Due, long Order)> _timers = new();
    private readonly DateTimeOffset _start;
    private long _ticks;
    private long _order;

    public ManualTime(DateTimeOffset? start = null) => _start = start ?? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>How far the time has been moved.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks(Volatile.Read(ref _ticks));

    /// <summary>How long until the next timer is due; null without one.</summary>
    public TimeSpan? UntilNextTimer
    {
        get
        {
            lock (_lock)
            {
                DropStale();
                return _timers.TryPeek(out _, out var at) ? TimeSpan.FromTicks(Math.Max(0, at.Due - _ticks)) : null;
            }
        }
    }

    public override DateTimeOffset GetUtcNow() => _start + Elapsed;

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan by)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(by, TimeSpan.Zero);
        var target = _ticks + by.Ticks;
        while (RunNext(target))
        {
        }

        Volatile.Write(ref _ticks, target);
    }

    /// <summary>Runs the first timer that is due by <paramref name="target"/> ticks, moving the time to it. False: there is none.</summary>
    private bool RunNext(long target)
    {
        ManualTimer timer;
        lock (_lock)
        {
            DropStale();
            if (!_timers.TryPeek(out var next, out var at) || at.Due > target)
            {
                return false;
            }

            _timers.Dequeue();
            timer = next.Timer;
            Volatile.Write(ref _ticks, Math.Max(_ticks, at.Due));
            if (timer.Period > TimeSpan.Zero)
            {
                _timers.Enqueue(next, (_ticks + timer.Period.Ticks, _order++));
            }
        }

        timer.Run();
        return true;
    }

    private void DropStale()
    {
        while (_timers.TryPeek(out var next, out _) && next.Generation != next.Timer.Generation)
        {
            _timers.Dequeue();
        }
    }

    private sealed class ManualTimer(ManualTime time, TimerCallback callback, object? state) : ITimer
    {
        internal int Generation { get; private set; }

        internal TimeSpan Period { get; private set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._lock)
            {
                Generation++;
                Period = period;
                if (dueTime != Timeout.InfiniteTimeSpan)
                {
                    time._timers.Enqueue((this, Generation), (time._ticks + dueTime.Ticks, time._order++));
                }
            }

            return true;
        }

        public void Dispose() => Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        internal void Run() => callback(state);
    }
}
