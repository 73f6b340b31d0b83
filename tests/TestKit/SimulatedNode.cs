using RagCluster.Kernel;

namespace RagCluster.TestKit;

/// <summary>
/// One machine in a <see cref="SimulatedRuntime"/>. Paused, none of its turns, continuations and timers runs; they all come
/// at its resumption. Killed, they never do. Its wall clock can be wrong and jump; its timestamps only rise.
/// </summary>
public sealed class SimulatedNode : SynchronizationContext, IRuntime
{
    private readonly SimulatedRuntime _world;
    private readonly ManualTime _clock;
    private readonly NodeTime _time;
    private readonly NodeTime _leaseTime;
    private readonly List<SimulatedStep> _held = [];
    private readonly List<NodeTimer> _overslept = [];
    private TimeSpan _slept;
    private TimeSpan? _asleepSince;

    internal SimulatedNode(SimulatedRuntime world, ManualTime time, string name)
    {
        (_world, _clock, Name) = (world, time, name);

        // Each machine, and each of its clocks, counts from its own start: whoever compares timestamps of two is wrong by days.
        _time = new NodeTime(this, time, world.Random.NextInt64(TimeSpan.TicksPerDay * 30), countsSleep: false);
        _leaseTime = new NodeTime(this, time, world.Random.NextInt64(TimeSpan.TicksPerDay * 30), countsSleep: true);
    }

    public string Name { get; }

    public TimeProvider Time => _time;

    public TimeProvider LeaseTime => _leaseTime;

    public Random Random => _world.Random;

    public bool IsPaused { get; private set; }

    public bool IsKilled { get; private set; }

    /// <summary>How long the machine was suspended, up to now.</summary>
    private TimeSpan Slept => _slept + (_asleepSince is { } since ? _clock.Elapsed - since : TimeSpan.Zero);

    /// <summary>How far its wall clock is ahead of the world's time.</summary>
    public TimeSpan ClockError { get; set; }

    public void Schedule(IThreadPoolWorkItem turn, bool toTheEnd = false) =>
        _world.Enqueue(new SimulatedStep(this, SimulatedRuntime.s_turn, turn));

    public Task Run(Func<Task> work) => _world.Start(this, work);

    public override void Post(SendOrPostCallback d, object? state) => _world.Enqueue(new SimulatedStep(this, d, state));

    public override void Send(SendOrPostCallback d, object? state) => d(state);

    public override SynchronizationContext CreateCopy() => this;

    /// <inheritdoc cref="SimulatedRuntime.Call{T}(Func{T})"/>
    public T Call<T>(Func<T> code) => SimulatedRuntime.Call(this, code);

    public void Pause() => IsPaused = true;

    /// <summary>
    /// The whole machine stands still, as one that is suspended or moved: as in a pause nothing runs, and what measures its
    /// time and drives its timers stands still as well. Only its wall clock and <see cref="LeaseTime"/> go on.
    /// </summary>
    public void Suspend()
    {
        _asleepSince ??= _clock.Elapsed;
        Pause();
    }

    public void Resume()
    {
        IsPaused = false;
        if (_asleepSince is not null)
        {
            (_slept, _asleepSince) = (Slept, null);
            foreach (var timer in _overslept)
            {
                timer.Wake();
            }

            _overslept.Clear();
        }

        foreach (var step in _held)
        {
            _world.Enqueue(step);
        }

        _held.Clear();
    }

    /// <summary>The machine loses its power. There is no way back: what is started on it later is another node.</summary>
    public void Kill()
    {
        IsKilled = true;
        _held.Clear();
    }

    public override string ToString() => Name;

    /// <summary>Whether the step may run now; if not, it is dropped or kept for later.</summary>
    internal bool Admits(in SimulatedStep step)
    {
        if (IsPaused && !IsKilled)
        {
            _held.Add(step);
        }

        return !IsPaused && !IsKilled;
    }

    private sealed class NodeTime(SimulatedNode node, ManualTime world, long origin, bool countsSleep) : TimeProvider
    {
        public override long TimestampFrequency => world.TimestampFrequency;

        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => world.GetUtcNow() + node.ClockError;

        public override long GetTimestamp() => world.GetTimestamp() + origin - (countsSleep ? 0 : node.Slept.Ticks);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = new NodeTimer(node, callback, state);
            timer.Start(world, dueTime, period);
            return timer;
        }
    }

    private sealed class NodeTimer(SimulatedNode node, TimerCallback callback, object? state) : ITimer
    {
        private ITimer? _timer;
        private TimeSpan _period;
        private TimeSpan _sleptBefore;
        private TimeSpan _dueAt;
        private bool _onItsWay;
        private bool _disposed;

        public void Start(ManualTime time, TimeSpan dueTime, TimeSpan period)
        {
            (_period, _sleptBefore) = (period, node.Slept);
            _timer = time.CreateTimer(static self => ((NodeTimer)self!).Due(), this, dueTime, period);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            (_period, _sleptBefore) = (period, node.Slept);
            return !node.IsKilled && !_disposed && _timer!.Change(dueTime, period);
        }

        /// <summary>It became due while the machine slept, by which it is late as well.</summary>
        public void Wake()
        {
            if (!_disposed)
            {
                Postpone(node.Slept - _sleptBefore - (node._clock.Elapsed - _dueAt));
            }
        }

        public void Dispose()
        {
            _disposed = true;
            _timer!.Dispose();
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        /// <summary>As an operating system does, it gives a process that slept through several ticks one of them.</summary>
        private void Due()
        {
            if (node.IsKilled)
            {
                Dispose();
            }
            else if (_period <= TimeSpan.Zero && node._asleepSince is not null)
            {
                _dueAt = node._clock.Elapsed;
                node._overslept.Add(this);
            }
            else if (_period <= TimeSpan.Zero && node.Slept > _sleptBefore)
            {
                Postpone(node.Slept - _sleptBefore);
            }
            else if (!_onItsWay)
            {
                _onItsWay = true;
                node._world.Enqueue(new SimulatedStep(node, static self => ((NodeTimer)self!).Run(), this));
            }
        }

        private void Postpone(TimeSpan by)
        {
            _sleptBefore = node.Slept;
            _timer!.Change(by > TimeSpan.Zero ? by : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }

        private void Run()
        {
            _onItsWay = false;
            if (!_disposed)
            {
                callback(state);
            }
        }
    }
}

/// <summary>What can run next: a callback, and the machine on which it runs; null for the world itself.</summary>
internal readonly record struct SimulatedStep(SimulatedNode? Node, SendOrPostCallback Callback, object? State)
{
    public void Run(SimulatedRuntime world)
    {
        if (Node is null)
        {
            SynchronizationContext.SetSynchronizationContext(world);
            Callback(State);
        }
        else if (Node.Admits(this))
        {
            SynchronizationContext.SetSynchronizationContext(Node);
            Callback(State);
        }
    }
}
