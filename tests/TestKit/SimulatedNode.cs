using RagCluster.Kernel;

namespace RagCluster.TestKit;

/// <summary>
/// One machine in a <see cref="SimulatedRuntime"/>. Paused, none of its turns, continuations and timers runs; they all come
/// at its resumption. Killed, they never do. Its wall clock can be wrong and jump; its timestamps only rise.
/// </summary>
public sealed class SimulatedNode : SynchronizationContext, IRuntime
{
    private readonly SimulatedRuntime _world;
    private readonly NodeTime _time;
    private readonly List<SimulatedStep> _held = [];

    internal SimulatedNode(SimulatedRuntime world, ManualTime time, string name)
    {
        (_world, Name) = (world, name);

        // Each machine counts from its own start: whoever compares timestamps of two machines is wrong by days.
        _time = new NodeTime(this, time, world.Random.NextInt64(TimeSpan.TicksPerDay * 30));
    }

    public string Name { get; }

    public TimeProvider Time => _time;

    public Random Random => _world.Random;

    public bool IsPaused { get; private set; }

    public bool IsKilled { get; private set; }

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

    public void Resume()
    {
        IsPaused = false;
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

    private sealed class NodeTime(SimulatedNode node, ManualTime world, long origin) : TimeProvider
    {
        public override long TimestampFrequency => world.TimestampFrequency;

        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => world.GetUtcNow() + node.ClockError;

        public override long GetTimestamp() => world.GetTimestamp() + origin;

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
        private bool _onItsWay;
        private bool _disposed;

        public void Start(ManualTime time, TimeSpan dueTime, TimeSpan period) =>
            _timer = time.CreateTimer(static self => ((NodeTimer)self!).Due(), this, dueTime, period);

        public bool Change(TimeSpan dueTime, TimeSpan period) => !node.IsKilled && !_disposed && _timer!.Change(dueTime, period);

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
            else if (!_onItsWay)
            {
                _onItsWay = true;
                node._world.Enqueue(new SimulatedStep(node, static self => ((NodeTimer)self!).Run(), this));
            }
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
