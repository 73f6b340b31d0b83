namespace RagCluster.Kernel;

/// <summary>Why an actor or entity leaves memory.</summary>
public enum StopReason
{
    /// <summary>Somebody asked for it, or it had nothing more to do.</summary>
    Stopped,

    /// <summary>It was idle; the next message starts it again.</summary>
    Passivated,

    /// <summary>Its shard goes to another owner, or the node shuts down.</summary>
    HandedOff,

    /// <summary>It threw, and its supervisor stopped it or will start it anew.</summary>
    Failed,
}
