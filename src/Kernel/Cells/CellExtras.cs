using RagCluster.Kernel.Supervision;

namespace RagCluster.Kernel.Cells;

/// <summary>What only some actors use, made when they first do. Belongs to the actor's turn: no lock.</summary>
internal sealed class CellExtras<T>
{
    internal Dictionary<object, ActorTimer<T>>? Timers;
    internal Dictionary<ActorCell, Func<StopReason, T>>? Watching;
    internal Queue<T>? Stash;
    internal Queue<T>? Unstashed;
    internal RestartWindow? RestartWindow;
    internal IdleTimer<T>? IdleTimer;
    internal int Restarts;
}
