namespace RagCluster.Kernel;

/// <summary>The address of an actor. Refs travel in messages; there is no ambient sender.</summary>
public interface IActorRef
{
    ActorPath Path { get; }
}

/// <summary>An address that takes <typeparamref name="TMessage"/> and everything derived from it.</summary>
public interface IActorRef<in TMessage> : IActorRef
{
    /// <summary>
    /// Puts the message into the mailbox if there is room. False means it was not taken: the mailbox is full, or the
    /// actor has stopped (then it is also in the dead letters).
    /// </summary>
    bool TryTell(TMessage message);

    /// <summary>Waits for room in the mailbox: this is how backpressure reaches a producer.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled first; the message was not taken.</exception>
    /// <remarks>
    /// A message to a stopped actor goes to the dead letters and completes. An actor that awaits room in its own mailbox
    /// waits for itself: to itself it uses <see cref="TryTell"/>.
    /// </remarks>
    ValueTask TellAsync(TMessage message, CancellationToken cancellationToken = default);
}
