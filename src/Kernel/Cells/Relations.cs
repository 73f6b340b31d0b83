namespace RagCluster.Kernel.Cells;

/// <summary>What others know of an actor: made when the first of them asks. Its own lock guards all but the children.</summary>
internal sealed class Relations
{
    internal readonly ChildTable Children = new();
    internal List<ActorCell>? Watchers;
    internal StopCompletion? Stopped;
}

internal sealed class StopCompletion : TaskCompletionSource, IThreadPoolWorkItem
{
    void IThreadPoolWorkItem.Execute() => SetResult();
}
