namespace RagCluster.Kernel.Tests.Actors;

/// <summary>An actor made of functions, for tests that need one behaviour.</summary>
internal sealed class LambdaActor<T>(Func<T, IActorContext<T>, CancellationToken, ValueTask> receive) : Actor<T>
{
    public LambdaActor(Action<T, IActorContext<T>> receive)
        : this((message, context, _) =>
        {
            receive(message, context);
            return ValueTask.CompletedTask;
        })
    {
    }

    public Action<IActorContext<T>>? OnStarted { get; init; }

    public Action<StopReason>? OnStopped { get; init; }

    protected internal override ValueTask StartedAsync(CancellationToken cancellationToken)
    {
        OnStarted?.Invoke(Context);
        return ValueTask.CompletedTask;
    }

    protected internal override ValueTask ReceiveAsync(T message, CancellationToken cancellationToken) => receive(message, Context, cancellationToken);

    protected internal override ValueTask StoppedAsync(StopReason reason)
    {
        OnStopped?.Invoke(reason);
        return ValueTask.CompletedTask;
    }
}
