namespace RagCluster.Kernel.Cluster.Wire;

/// <summary>What nodes say to each other. The numbers are frozen; a kind that a node does not know is skipped and counted.</summary>
internal enum WireKind : byte
{
    Ask = 1,
    Reply = 2,
    Cancel = 3,
    Subscribe = 4,
    Events = 5,
    Credit = 6,
    Unsubscribe = 7,
    StreamEnded = 8,
    Status = 9,
    Take = 10,
    HandOff = 11,
    Located = 12,
    Committed = 13,

    /// <summary>A request to a node itself.</summary>
    Call = 14,
    CallReply = 15,
}
