using RagCluster.Kernel;

namespace RagCluster.TestKit;

/// <summary>
/// A world on one thread: virtual time, a seeded generator, and a seeded choice of what runs next among all that could.
/// One seed gives one run; <see cref="TraceHash"/> tells whether two runs made the same choices.
/// </summary>
/// <remarks>
/// It is also the synchronization context of everything that it runs, so that an await in a handler comes back here.
/// Nothing runs by itself: call <see cref="RunUntilIdle"/>, <see cref="RunFor"/> or <see cref="Run{T}"/>.
/// </remarks>
public sealed class SimulatedRuntime : SynchronizationContext, IRuntime
{
    internal static readonly SendOrPostCallback s_turn = static turn => ((IThreadPoolWorkItem)turn!).Execute();

    private readonly Lock _lock = new();
    private readonly List<SimulatedStep> _ready = [];
    private readonly Random _schedule;
    private readonly ManualTime _time = new();
    private int _thread;
    private long _foreignSteps;

    public SimulatedRuntime(int seed)
    {
        Seed = seed;
        Random = new Random(seed);
        _schedule = new Random(~seed);
    }

    public int Seed { get; }

    public TimeProvider Time => _time;

    public Random Random { get; }

    /// <summary>How many turns and continuations have run.</summary>
    public long Steps { get; private set; }

    /// <summary>
    /// How many steps came from other threads: some wait left the simulation and came back. When is chance, so that the
    /// seed no longer reproduces the run.
    /// </summary>
    public long ForeignSteps => Volatile.Read(ref _foreignSteps);

    /// <summary>FNV-1a over the choices of the scheduler and the times at which they were made.</summary>
    public ulong TraceHash { get; private set; } = 14695981039346656037UL;

    /// <summary>More steps than this without rest count as a run that never ends.</summary>
    public long MaxStepsWithoutRest { get; init; } = 10_000_000;

    public void Schedule(IThreadPoolWorkItem turn, bool toTheEnd = false) => Enqueue(new SimulatedStep(null, s_turn, turn));

    public Task Run(Func<Task> work) => Start(null, work);

    /// <summary>
    /// A machine of this world: what is started through it shares this schedule and time, and can be held back, ended and
    /// told a wrong hour without touching the others.
    /// </summary>
    public SimulatedNode NewNode(string name) => new(this, _time, name);

    public override void Post(SendOrPostCallback d, object? state) => Enqueue(new SimulatedStep(null, d, state));

    public override void Send(SendOrPostCallback d, object? state) => d(state);

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>
    /// Calls test code as a part of the simulation, so that what it starts and does not await goes on here and not on
    /// the thread pool.
    /// </summary>
    public T Call<T>(Func<T> code) => Call(this, code);

    internal static T Call<T>(SynchronizationContext context, Func<T> code)
    {
        var previous = Current;
        SetSynchronizationContext(context);
        try
        {
            return code();
        }
        finally
        {
            SetSynchronizationContext(previous);
        }
    }

    /// <summary>Runs all that can run now. Time stands still.</summary>
    public void RunUntilIdle()
    {
        var previous = Current;
        SetSynchronizationContext(this);
        _thread = Environment.CurrentManagedThreadId;
        try
        {
            for (var steps = 0L; TryTakeOne(out var next); steps++)
            {
                if (steps == MaxStepsWithoutRest)
                {
                    throw new InvalidOperationException($"Seed {Seed}: after {steps} steps there is still work; something goes round in circles.");
                }

                next.Run(this);
            }
        }
        finally
        {
            SetSynchronizationContext(previous);
        }
    }

    /// <summary>Lets virtual time pass, timer by timer, running all that follows from each.</summary>
    public void RunFor(TimeSpan time)
    {
        var end = _time.Elapsed + time;
        RunUntilIdle();
        while (_time.UntilNextTimer is { } next && _time.Elapsed + next <= end)
        {
            Advance(next);
        }

        Advance(end - _time.Elapsed);
    }

    /// <summary>Runs, and lets time pass as needed, until the condition holds.</summary>
    /// <exception cref="TimeoutException">It does not within <paramref name="limit"/> of virtual time (default one hour).</exception>
    public void RunUntil(string condition, Func<bool> holds, TimeSpan? limit = null)
    {
        var end = _time.Elapsed + (limit ?? TimeSpan.FromHours(1));
        RunUntilIdle();
        while (!holds())
        {
            if (_time.UntilNextTimer is not { } next || _time.Elapsed + next > end)
            {
                throw new TimeoutException($"Seed {Seed}: \"{condition}\" does not hold, and nothing more happens by {end} of virtual time.");
            }

            Advance(next);
        }
    }

    /// <summary>Runs asynchronous test code inside the simulation to its end and gives its result.</summary>
    public T Run<T>(Func<Task<T>> work, TimeSpan? limit = null)
    {
        Task<T>? task = null;
        Enqueue(new SimulatedStep(null, _ => task = work(), null));
        RunUntil("the work has ended", () => task is { IsCompleted: true }, limit);
        return task!.GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Run{T}"/>
    public void RunToEnd(Func<Task> work, TimeSpan? limit = null) =>
        Run(
            async () =>
            {
                await work();
                return true;
            },
            limit);

    internal Task Start(SimulatedNode? node, Func<Task> work)
    {
        var done = new TaskCompletionSource();
        Enqueue(new SimulatedStep(node, _ => _ = RunAsync(work, done), null));
        return done.Task;
    }

    internal void Enqueue(SimulatedStep step)
    {
        if (_thread != 0 && _thread != Environment.CurrentManagedThreadId)
        {
            Interlocked.Increment(ref _foreignSteps);
        }

        lock (_lock)
        {
            _ready.Add(step);
        }
    }

    private static async Task RunAsync(Func<Task> work, TaskCompletionSource done)
    {
        try
        {
            await work();
            done.SetResult();
        }
        catch (OperationCanceledException e)
        {
            done.SetCanceled(e.CancellationToken);
        }
        catch (Exception e)
        {
            done.SetException(e);
        }
    }

    private void Advance(TimeSpan by)
    {
        var previous = Current;
        SetSynchronizationContext(this);
        try
        {
            _time.Advance(by);
        }
        finally
        {
            SetSynchronizationContext(previous);
        }

        RunUntilIdle();
    }

    private bool TryTakeOne(out SimulatedStep step)
    {
        lock (_lock)
        {
            if (_ready.Count == 0)
            {
                step = default;
                return false;
            }

            var index = _schedule.Next(_ready.Count);
            step = _ready[index];
            _ready[index] = _ready[^1];
            _ready.RemoveAt(_ready.Count - 1);
            Steps++;
            TraceHash = (((TraceHash ^ (ulong)index) * 1099511628211UL) ^ (ulong)_time.Elapsed.Ticks) * 1099511628211UL;
            return true;
        }
    }
}
