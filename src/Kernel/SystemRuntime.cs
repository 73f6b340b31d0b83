namespace RagCluster.Kernel;

/// <summary>The real world: the system's clock and chance, and the thread pool.</summary>
public sealed class SystemRuntime : IRuntime
{
    private SystemRuntime()
    {
    }

    public static SystemRuntime Instance { get; } = new();

#pragma warning disable RS0030 // This file is the one door through which the banned ambient state comes in.
    public TimeProvider Time => TimeProvider.System;

    public Random Random => Random.Shared;

    /// <remarks>
    /// A turn that was just woken goes on the calling thread's own queue, where its data is still in the cache; one
    /// that has used up its share goes to the end of the common queue, so that others come first.
    /// </remarks>
    public void Schedule(IThreadPoolWorkItem turn, bool toTheEnd = false) =>
        ThreadPool.UnsafeQueueUserWorkItem(turn, preferLocal: !toTheEnd);

    public Task Run(Func<Task> work) => Task.Run(work);
#pragma warning restore RS0030
}
