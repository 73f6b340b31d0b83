namespace RagCluster.Kernel.Cells;

/// <summary>
/// A task that is completed in a turn of its own, scheduled by the runtime: what awaits it neither runs inside the one
/// who completes it, nor leaves for a thread pool that a simulator cannot see.
/// </summary>
internal sealed class CompletionTurn : TaskCompletionSource, IThreadPoolWorkItem
{
    void IThreadPoolWorkItem.Execute() => TrySetResult();
}

/// <summary>Cancels a token in a turn of its own: callbacks on it are anyone's code.</summary>
internal sealed class CancelTurn(ActorSystem system, IActorRef actor, CancellationTokenSource source) : IThreadPoolWorkItem
{
    void IThreadPoolWorkItem.Execute()
    {
        try
        {
            source.Cancel();
        }
        catch (AggregateException e)
        {
            KernelLog.CancellationFailed(system.Log, e, actor.Path);
        }
    }
}
