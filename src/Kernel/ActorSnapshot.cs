namespace RagCluster.Kernel;

/// <summary>One actor as it was when somebody looked; numbers of a running actor are a little behind.</summary>
public sealed record ActorSnapshot
{
    public required ActorPath Path { get; init; }

    /// <summary>The actor's class; the message's until it has started.</summary>
    public required string Type { get; init; }

    public required ActorState State { get; init; }

    public required int MailboxDepth { get; init; }

    public required int MailboxCapacity { get; init; }

    public required long MessagesHandled { get; init; }

    public required int Restarts { get; init; }

    /// <summary>In name order.</summary>
    public required IReadOnlyList<ActorSnapshot> Children { get; init; }
}

public enum ActorState
{
    Starting,
    Running,

    /// <summary>Failed; waits for its restart.</summary>
    BackingOff,

    /// <summary>Failed; waits for what its parent does about it.</summary>
    Escalated,

    /// <summary>Waits for its children to stop, or cleans up.</summary>
    Stopping,
    Stopped,
}
