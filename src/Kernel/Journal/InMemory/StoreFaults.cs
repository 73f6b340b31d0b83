namespace RagCluster.Kernel.Journal.InMemory;

/// <summary>What an append is made to do.</summary>
public enum AppendFault
{
    None,

    /// <summary>Another owner takes the shards first.</summary>
    Fenced,

    /// <summary>The store answers Conflict, and writes nothing.</summary>
    Conflict,

    /// <summary>The store writes, and does not say so.</summary>
    UnknownCommitted,

    /// <summary>The store neither writes nor says so.</summary>
    UnknownLost,

    /// <summary>The store writes only when the shard is next claimed or written to, and does not say so: a statement still under way.</summary>
    UnknownLate,

    /// <summary>The store throws, and writes nothing.</summary>
    Fail,
}

/// <summary>What goes wrong in a store in memory. The functions are asked once per call; change them at any time.</summary>
public sealed class StoreFaults
{
    public Func<AppendFault>? Append { get; set; }

    /// <summary>Whether a read, claim, release or snapshot throws.</summary>
    public Func<bool>? Other { get; set; }

    /// <summary>How long a call takes; zero takes one turn of the schedule.</summary>
    public Func<TimeSpan>? Delay { get; set; }

    /// <summary>Without a delay a call ends at once, in the caller's own turn: for who calls at moments of their own.</summary>
    public bool AtOnce { get; init; }
}
