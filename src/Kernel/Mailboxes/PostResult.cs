namespace RagCluster.Kernel.Mailboxes;

internal enum PostResult
{
    /// <summary>Taken; whoever runs the actor will see it.</summary>
    Queued,

    /// <summary>Taken, and the actor was at rest: the caller must schedule its turn.</summary>
    QueuedWake,

    Full,

    Closed,
}
