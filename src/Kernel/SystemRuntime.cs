namespace RagCluster.Kernel;

/// <summary>The real world: the system's clock and chance, and the thread pool.</summary>
public sealed class SystemRuntime : IRuntime
{
    /// <summary>A power of two. Of so many turns that a thread schedules, one goes to the common queue.</summary>
    private const int LocalRun = 32;

    [ThreadStatic]
    private static int _scheduledHere;

    private SystemRuntime()
    {
    }

    public static SystemRuntime Instance { get; } = new();

#pragma warning disable RS0030 // This file is the one door through which the banned ambient state comes in.
    public TimeProvider Time => TimeProvider.System;

    public TimeProvider LeaseTime => SuspendAwareTime.Instance;

    public Random Random => Random.Shared;

    /// <remarks>
    /// A turn that was just woken goes on the calling thread's own queue, where its data is still in the cache; one
    /// that has used up its share goes to the end of the common queue, so that others come first. A thread looks into
    /// the common queue only when its own is empty, and actors that keep waking each other would never let it be
    /// (measured: requests waited for up to a second): so every now and then a woken turn goes there as well.
    /// </remarks>
    public void Schedule(IThreadPoolWorkItem turn, bool toTheEnd = false) =>
        ThreadPool.UnsafeQueueUserWorkItem(turn, preferLocal: !toTheEnd && (++_scheduledHere & (LocalRun - 1)) != 0);

    public Task Run(Func<Task> work) => Task.Run(work);
#pragma warning restore RS0030
}
