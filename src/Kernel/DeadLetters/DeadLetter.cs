namespace RagCluster.Kernel.DeadLetters;

public enum DeadLetterReason
{
    /// <summary>Sent to an actor that had stopped.</summary>
    Stopped,

    /// <summary>Was still in the mailbox, the stash or on its way when the actor stopped.</summary>
    Abandoned,

    /// <summary>An answer to an ask that had timed out, was cancelled or had its answer.</summary>
    LateReply,
}

/// <summary>A message that reached nobody. The message itself is not kept: it may be big, or secret.</summary>
public sealed record DeadLetter(ActorPath Recipient, string MessageType, DeadLetterReason Reason, DateTimeOffset At);
