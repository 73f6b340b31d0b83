namespace RagCluster.Kernel;

/// <summary>
/// State, and one message at a time: an await inside a handler does not let the next message in. An exception from a
/// handler is a failure: the actor's <see cref="SpawnOptions.Supervision"/> decides what follows, and the message that
/// failed is not delivered again.
/// </summary>
/// <remarks>
/// One instance lives from <see cref="StartedAsync"/> to <see cref="StoppedAsync"/>; a restart makes a new instance
/// that goes on with the same mailbox. The token is cancelled as soon as a stop is asked for or a restart begins.
/// </remarks>
public abstract class Actor<TMessage>
{
    private IActorContext<TMessage>? _context;

    /// <exception cref="InvalidOperationException">The constructor is still running.</exception>
    protected IActorContext<TMessage> Context =>
        _context ?? throw new InvalidOperationException("An actor has its context from StartedAsync on, not in its constructor.");

    internal void Attach(IActorContext<TMessage> context) => _context = context;

    /// <summary>Runs before the first message.</summary>
    protected internal virtual ValueTask StartedAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    protected internal abstract ValueTask ReceiveAsync(TMessage message, CancellationToken cancellationToken);

    /// <summary>The instance leaves memory; its children have stopped. <see cref="StopReason.Failed"/> also before a restart.</summary>
    protected internal virtual ValueTask StoppedAsync(StopReason reason) => ValueTask.CompletedTask;
}
