using RagCluster.Kernel.Mailboxes;

namespace RagCluster.Kernel.Cells;

/// <summary>A system item for an actor of messages <typeparamref name="T"/>; runs in its turn and never throws.</summary>
internal abstract class Signal<T> : SystemItem
{
    internal abstract ValueTask RunAsync(ActorCell<T> cell);
}

internal sealed class StartSignal<T> : Signal<T>
{
    internal override ValueTask RunAsync(ActorCell<T> cell) => cell.StartInstanceAsync();
}

internal sealed class StopSignal<T>(StopReason reason) : Signal<T>
{
    internal override ValueTask RunAsync(ActorCell<T> cell) => cell.EndAsync(reason);
}

internal sealed class ChildFailedSignal<T>(ActorCell child, Exception failure) : Signal<T>
{
    internal override ValueTask RunAsync(ActorCell<T> cell) => cell.ChildFailedAsync(child, failure);
}

internal sealed class TerminatedSignal<T>(ActorCell target, StopReason reason) : Signal<T>
{
    internal override ValueTask RunAsync(ActorCell<T> cell) => cell.TerminatedAsync(target, reason);
}

/// <summary>The outcome of piped work; <paramref name="instance"/> tells which instance started it.</summary>
internal sealed class PipedSignal<T>(T message, object instance) : Signal<T>
{
    internal override ValueTask RunAsync(ActorCell<T> cell) => cell.PipedAsync(message, instance);
}

/// <summary>Code that the actor gave to be run for it (a pipe's mapping) threw.</summary>
internal sealed class FailureSignal<T>(Exception failure, object instance) : Signal<T>
{
    internal override ValueTask RunAsync(ActorCell<T> cell) => cell.PipeFailedAsync(failure, instance);
}
