using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Entities;

/// <summary>
/// The shell around an entity's pure decisions: what it does in the world once events are durable. One instance
/// lives as long as the entity is in memory on this node; all methods run in the entity's turn, one at a time.
/// </summary>
/// <remarks>
/// Order: <see cref="RestoreAsync"/> (if there is a snapshot), <see cref="Applied"/> for each replayed event,
/// <see cref="RecoveredAsync"/>, then for each command <see cref="TryAnswer"/>, or Decide, append, <see cref="Applied"/>
/// for each event, <see cref="CommittedAsync"/>, and the reply to whoever asked. An exception from any of them stops
/// the entity; it is recovered from its log with backoff, and commands in flight get an error. Exceptions: what Decide,
/// Evolve (of a new event) or <see cref="TryAnswer"/> throws fails that command alone, before anything is journaled;
/// what <see cref="SaveAsync"/> throws only leaves that snapshot out.
/// </remarks>
public abstract class EntityBehavior<TState, TCommand, TEvent, TReply>
{
    private IEntityContext<TState, TCommand, TEvent, TReply>? _context;

    protected IEntityContext<TState, TCommand, TEvent, TReply> Context =>
        _context ?? throw new InvalidOperationException("An entity has its context only from the start of its recovery on.");

    internal void Attach(IEntityContext<TState, TCommand, TEvent, TReply> context) => _context = context;

    /// <summary>
    /// Takes back what <see cref="SaveAsync"/> gave. False says that it cannot be used (a file is gone or corrupt):
    /// then the snapshot is discarded and the whole log is replayed. So does an exception, except where the store does
    /// not answer (<see cref="StoreException"/>): then recovery begins anew after a while.
    /// </summary>
    protected internal virtual ValueTask<bool> RestoreAsync(ReadOnlyMemory<byte> attachment, CancellationToken cancellationToken) =>
        ValueTask.FromResult(attachment.IsEmpty);

    /// <summary>Called for every event in order, replayed or new: the place for a view that the behavior keeps in memory.</summary>
    protected internal virtual void Applied(Recorded<TEvent> recorded)
    {
    }

    /// <summary>History is complete; the place to take up work that was left open.</summary>
    protected internal virtual ValueTask RecoveredAsync(CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>
    /// Answers a command that reads without deciding. The part up to the first await runs in the entity's turn and may
    /// read the state; what follows runs beside later turns and touches only what it captured. False means: decide.
    /// </summary>
    protected internal virtual bool TryAnswer(TCommand command, CancellationToken cancellationToken, out ValueTask<TReply> answer)
    {
        answer = default;
        return false;
    }

    /// <summary>These events have just become durable: the place for effects.</summary>
    protected internal virtual ValueTask CommittedAsync(IReadOnlyList<Recorded<TEvent>> events, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    /// <summary>
    /// What to keep beside the state in a snapshot; handed to <see cref="RestoreAsync"/>. Empty for nothing. The part up to
    /// the first await runs in the entity's turn; what follows runs beside later turns and must be about the state as it
    /// was then. One snapshot is taken at a time.
    /// </summary>
    protected internal virtual ValueTask<ReadOnlyMemory<byte>> SaveAsync(CancellationToken cancellationToken) =>
        ValueTask.FromResult(ReadOnlyMemory<byte>.Empty);

    /// <summary>
    /// The snapshot with this attachment is durable: what only older ones named may go. Beside the entity's turns. What it
    /// throws is logged and changes nothing.
    /// </summary>
    protected internal virtual ValueTask SavedAsync(ReadOnlyMemory<byte> attachment, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>The entity leaves memory (passivated, handed off, shut down or failed). Its background work is already cancelled.</summary>
    protected internal virtual ValueTask StoppedAsync(StopReason reason) => ValueTask.CompletedTask;
}

/// <summary>What an entity's behavior can see and do.</summary>
public interface IEntityContext<out TState, in TCommand, TEvent, TReply>
{
    EntityId Id { get; }

    /// <summary>As of the last durable event.</summary>
    TState State { get; }

    /// <summary>The sequence number of the last durable event; 0 before the first.</summary>
    long Seq { get; }

    TimeProvider Time { get; }

    Random Random { get; }

    /// <summary>
    /// Starts work beside the entity's turns, such as answering a question. The token is cancelled when the entity
    /// stops. While work runs, the entity is not passivated. An exception (other than cancellation) stops the entity,
    /// so that recovery takes the work up again.
    /// </summary>
    void Run(string name, Func<CancellationToken, Task> work);

    /// <summary>Starts work like <see cref="Run(string, Func{CancellationToken, Task})"/>, and goes on with its result in a later turn, unless the entity stops before.</summary>
    void Run<T>(string name, Func<CancellationToken, Task<T>> work, Action<T> then);

    /// <summary>Sends a command to this entity from its own background work and waits until its events are durable.</summary>
    ValueTask<Committed<TReply>> ExecuteAsync(TCommand command, CancellationToken cancellationToken);

    /// <summary>Runs a command in a later turn, after <paramref name="delay"/>; gone if the entity stops before.</summary>
    void ExecuteLater(TCommand command, TimeSpan delay);
}
