using Microsoft.Extensions.Logging;

namespace RagCluster.Kernel;

/// <summary>
/// What an actor can see and do. Members are for the actor's own turn (its handlers, also after an await in them);
/// only <see cref="Self"/>, <see cref="System"/>, <see cref="Time"/>, <see cref="Random"/> and <see cref="Log"/> may be
/// used by work that runs beside it.
/// </summary>
public interface IActorContext<TMessage>
{
    IActorRef<TMessage> Self { get; }

    ActorSystem System { get; }

    TimeProvider Time { get; }

    Random Random { get; }

    /// <summary>A logger whose category is the actor's class.</summary>
    ILogger Log { get; }

    /// <summary>Starts a child. It stops before this actor stops or restarts.</summary>
    /// <exception cref="ArgumentException">A child of that name is alive, or the name is empty or has a slash.</exception>
    IActorRef<TChild> Spawn<TChild>(string name, Func<Actor<TChild>> create, SpawnOptions? options = null);

    /// <summary>Stops this actor: the current handler ends first; what is still in the mailbox goes to the dead letters.</summary>
    void Stop(StopReason reason = StopReason.Stopped);

    /// <summary>Asks a child, or any local actor, to stop. Does not wait.</summary>
    void Stop(IActorRef target, StopReason reason = StopReason.Stopped);

    /// <summary>Completes when the target and everything below it have stopped. An actor cannot await its own end.</summary>
    Task StopAsync(IActorRef target, StopReason reason = StopReason.Stopped);

    /// <summary>
    /// Sends this actor one message when the target has stopped (at once if it already has). A restart is no stop.
    /// Watching again replaces the message.
    /// </summary>
    void Watch(IActorRef target, Func<StopReason, TMessage> message);

    /// <summary>No message from the earlier watch comes after this call, even if the target has stopped meanwhile.</summary>
    void Unwatch(IActorRef target);

    /// <summary>
    /// Delivers a message after <paramref name="due"/>, then every <paramref name="period"/> if there is one. A timer of
    /// the same key is replaced. Ticks overtake mailbox messages and never pile up: while one is on its way, the next
    /// is left out. Gone when the actor stops or restarts.
    /// </summary>
    void StartTimer(object key, TMessage message, TimeSpan due, TimeSpan? period = null);

    /// <summary>After this call the timer's message is not delivered, even if it was already due. False: no such timer.</summary>
    bool CancelTimer(object key);

    bool IsTimerActive(object key);

    /// <summary>
    /// Delivers the message whenever no other message has been handled for <paramref name="timeout"/>; null turns it off.
    /// </summary>
    void SetReceiveTimeout(TimeSpan? timeout, TMessage message);

    /// <summary>Turns the outcome of a task into a message to this actor; that message overtakes mailbox messages.</summary>
    /// <param name="failure">Also called for cancellation.</param>
    void PipeToSelf<TResult>(Task<TResult> task, Func<TResult, TMessage> success, Func<Exception, TMessage> failure);

    /// <summary>Runs work beside this actor. Its token is cancelled when this instance stops or restarts.</summary>
    /// <inheritdoc cref="PipeToSelf{TResult}(Task{TResult}, Func{TResult, TMessage}, Func{Exception, TMessage})"/>
    void PipeToSelf<TResult>(Func<CancellationToken, Task<TResult>> work, Func<TResult, TMessage> success, Func<Exception, TMessage> failure);

    /// <summary>Lays a message aside until <see cref="UnstashAll"/>. A restart unstashes by itself.</summary>
    /// <exception cref="StashFullException">There are already <see cref="SpawnOptions.StashCapacity"/>.</exception>
    void Stash(TMessage message);

    /// <summary>The stashed messages come next, oldest first, before the mailbox.</summary>
    void UnstashAll();

    int StashedCount { get; }
}
