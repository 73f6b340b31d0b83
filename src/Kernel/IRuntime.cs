namespace RagCluster.Kernel;

/// <summary>
/// The only door to time, chance and threads. Production gives the system clock and the thread pool; a simulator
/// gives virtual time, a seeded generator and a single-threaded schedule, so that one seed replays a whole run.
/// </summary>
public interface IRuntime
{
    TimeProvider Time { get; }

    /// <summary>
    /// Its timestamps also count while the machine is suspended, so that a node that slept through its lease knows when it
    /// wakes. Only for measuring: its timers are those of <see cref="Time"/>.
    /// </summary>
    TimeProvider LeaseTime => Time;

    /// <summary>Safe to use from any thread.</summary>
    Random Random { get; }

    /// <summary>Runs <paramref name="turn"/> soon, once, on some thread of this runtime.</summary>
    /// <param name="toTheEnd">It has had its share: whatever already waits comes first.</param>
    void Schedule(IThreadPoolWorkItem turn, bool toTheEnd = false);

    /// <summary>
    /// Runs asynchronous work from a thread of this runtime, so that its continuations stay there.
    /// The returned task ends as the work ends, also when it throws.
    /// </summary>
    Task Run(Func<Task> work);
}
