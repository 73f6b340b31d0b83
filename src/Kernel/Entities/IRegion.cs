namespace RagCluster.Kernel.Entities;

/// <summary>
/// Where the rest of the system talks to the entities of one type, wherever they live. On one node it finds the shard
/// in this process; in a cluster it also routes to others.
/// </summary>
public interface IRegion<in TCommand, TEvent, TReply>
{
    /// <summary>
    /// Sends a command and waits for the reply, which comes only after the command's events are durable (I1).
    /// </summary>
    /// <param name="commandId">Send the same one again after an unknown outcome; null where repeating does no harm.</param>
    /// <param name="timeout">How long to wait before giving up; what became of the command is then unknown.</param>
    /// <exception cref="TimeoutException">No reply in time. The command may or may not have taken effect.</exception>
    /// <exception cref="CommandFailedException">Deciding or answering threw; the command took no effect. A defect.</exception>
    /// <exception cref="EntityFailedException">The entity failed while the command was under way; as after a timeout, ask again with the same id.</exception>
    /// <exception cref="EntityUnavailableException">The command certainly took no effect: the node is stopping, the store refuses, the mailbox stayed full.</exception>
    ValueTask<Committed<TReply>> AskAsync(EntityId id, TCommand command, CommandId? commandId, TimeSpan timeout, CancellationToken cancellationToken = default);

    /// <summary>
    /// Every event of the entity after <paramref name="after"/>, first from the journal, then as they become durable,
    /// in order, without gap or duplicate (I4). Never ends by itself. A slow reader costs a bounded buffer: beyond it,
    /// the stream goes on from the journal.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="after"/> is negative or beyond the entity's history.</exception>
    IAsyncEnumerable<Recorded<TEvent>> SubscribeAsync(EntityId id, long after, CancellationToken cancellationToken = default);
}

/// <summary>The entity could not take the command now; it took no effect, and trying again later is right.</summary>
public sealed class EntityUnavailableException : Exception
{
    public EntityUnavailableException()
    {
    }

    public EntityUnavailableException(string message)
        : base(message)
    {
    }

    public EntityUnavailableException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}
