namespace RagCluster.Kernel.Cells;

/// <summary>What others know of an actor: made when the first of them asks. Its own lock guards all but the children.</summary>
internal sealed class Relations
{
    internal readonly ChildTable Children = new();
    internal List<IWatcher>? Watchers;
    internal CompletionTurn? Stopped;
}

/// <summary>Hears of an actor's end, once.</summary>
internal interface IWatcher
{
    void PostTerminated(ActorCell target, StopReason reason);
}
