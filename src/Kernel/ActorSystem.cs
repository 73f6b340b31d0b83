using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Asks;
using RagCluster.Kernel.Cells;
using RagCluster.Kernel.DeadLetters;
using RagCluster.Kernel.Inspection;

namespace RagCluster.Kernel;

/// <summary>A tree of actors in this process, its dead letters and its end. Safe from any thread.</summary>
public sealed class ActorSystem
{
    internal static readonly ActorPath UserPath = ActorPath.Root("user");

    private readonly ConcurrentDictionary<Type, ILogger> _logs = new();
    private readonly ILoggerFactory _loggers;
    private volatile ActorMeasurement? _measurement;

    public ActorSystem(string name, IRuntime runtime, ActorSystemOptions? options = null, ILoggerFactory? loggers = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        (Name, Runtime, Time, Random) = (name, runtime, runtime.Time, runtime.Random);
        _loggers = loggers ?? NullLoggerFactory.Instance;
        Log = _loggers.CreateLogger("RagCluster.Kernel.Actors");
        DeadLetters = new DeadLetterOffice(runtime.Time, (options ?? new ActorSystemOptions()).Validated(), Log);
        Deadlines = new Deadlines(runtime.Time);
    }

    public string Name { get; }

    public IRuntime Runtime { get; }

    public TimeProvider Time { get; }

    public Random Random { get; }

    public DeadLetterOffice DeadLetters { get; }

    internal ILogger Log { get; }

    internal Deadlines Deadlines { get; }

    internal ChildTable Children { get; } = new();

    /// <summary>Starts an actor right below "/user". It can be told messages at once; it starts in a turn of its own.</summary>
    /// <param name="create">Makes a new instance, at the start and at every restart.</param>
    /// <exception cref="ArgumentException">An actor of that name is alive, or the name is empty or has a slash.</exception>
    /// <exception cref="InvalidOperationException">The system is terminating.</exception>
    public IActorRef<T> Spawn<T>(string name, Func<Actor<T>> create, SpawnOptions? options = null) =>
        Spawn(null, Children, name, create, options);

    /// <summary>Asks an actor to stop. Does not wait.</summary>
    public static void Stop(IActorRef target, StopReason reason = StopReason.Stopped) => ActorCell.Of(target).RequestStop(reason);

    /// <summary>Stops an actor and everything below it, children first; completes when they have stopped.</summary>
    public Task StopAsync(IActorRef target, StopReason reason = StopReason.Stopped)
    {
        var cell = ActorCell.Of(target);
        if (cell.System != this)
        {
            throw new ArgumentException($"{cell.Path} belongs to actor system {cell.System.Name}, not to {Name}.", nameof(target));
        }

        cell.RequestStop(reason);
        return cell.WhenStopped();
    }

    /// <summary>Completes when the actor has stopped, whoever stops it.</summary>
    public static Task WhenStopped(IActorRef target) => ActorCell.Of(target).WhenStopped();

    /// <summary>Stops all actors, all branches of the tree at once, and starts no more.</summary>
    /// <returns>The actors that had not stopped within the budget: none if all is well.</returns>
    public async Task<IReadOnlyList<ActorPath>> TerminateAsync(TimeSpan budget, StopReason reason = StopReason.Stopped)
    {
        Children.Close();
        var roots = Children.All();
        foreach (var root in roots)
        {
            root.RequestStop(reason);
        }

        try
        {
            await AllStopped(roots).WaitAsync(budget, Time);
            return [];
        }
        catch (TimeoutException)
        {
            var left = Children.All().SelectMany(WithDescendants).Select(c => c.Path).ToList();
            KernelLog.TerminationIncomplete(Log, Name, budget, string.Join(", ", left.Take(20)));
            return left;
        }
    }

    /// <summary>The tree as it is now, in name order.</summary>
    public IReadOnlyList<ActorSnapshot> Snapshot() => [.. Children.All().Select(c => c.Snapshot())];

    /// <summary>Times what every actor does for so long; those that were busy, the busiest first.</summary>
    /// <exception cref="InvalidOperationException">Somebody measures already.</exception>
    public async Task<IReadOnlyList<ActorTiming>> MeasureAsync(TimeSpan span, CancellationToken cancellationToken = default)
    {
        var measurement = new ActorMeasurement(Time);
#pragma warning disable CS0420 // Interlocked is as strong as volatile.
        if (Interlocked.CompareExchange(ref _measurement, measurement, null) is not null)
#pragma warning restore CS0420
        {
            throw new InvalidOperationException("The actors are being timed already; wait for that to end.");
        }

        try
        {
            await Task.Delay(span, Time, cancellationToken);
        }
        finally
        {
            _measurement = null;
        }

        return measurement.Result();
    }

    /// <summary>Null unless the actors are being timed.</summary>
    internal ActorMeasurement? Measurement => _measurement;

    internal ILogger LogOf(Type type) =>
        _logs.GetOrAdd(type, static (t, loggers) => loggers.CreateLogger(t.FullName ?? t.Name), _loggers);

    internal IActorRef<T> Spawn<T>(ActorCell? parent, ChildTable siblings, string name, Func<Actor<T>> create, SpawnOptions? options)
    {
        ActorPath.Checked(name);
        var cell = new ActorCell<T>(this, parent, name, create, options?.Validated() ?? SpawnOptions.Default);
        siblings.Add(cell);
        cell.PostSignal(new StartSignal<T>());
        return cell;
    }

    private static async Task AllStopped(List<ActorCell> cells)
    {
        foreach (var cell in cells)
        {
            await cell.WhenStopped();
        }
    }

    private static IEnumerable<ActorCell> WithDescendants(ActorCell cell) => cell.Children.SelectMany(WithDescendants).Append(cell);
}
