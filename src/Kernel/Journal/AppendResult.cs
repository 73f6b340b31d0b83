namespace RagCluster.Kernel.Journal;

/// <summary>What became of an append: a result and not an exception, because each must be handled.</summary>
public enum AppendResult
{
    /// <summary>Durable.</summary>
    Committed,

    /// <summary>The shard has a newer epoch: this owner must stop. Nothing was written.</summary>
    Fenced,

    /// <summary>A sequence number is already there: this owner's picture of the log is wrong. Nothing was written.</summary>
    Conflict,

    /// <summary>The store did not say. The owner raises its own epoch, which waits for and fences the lost statement, and reads again.</summary>
    Unknown,
}
