using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Entities;

/// <summary>What every shard of a node shares.</summary>
internal sealed record ShardServices(
    IRuntime Runtime,
    IShardStore Store,
    GroupCommitLane Lane,
    GroupCommitOptions Commit,
    CommitSignal Commits,
    NodeIncarnation Node,
    Permits RecoveryPermits,
    ILogger Log)
{
    /// <summary>Null where there is one node, which needs none.</summary>
    public Lease? Lease { get; init; }

    /// <summary>
    /// Whether what is in memory here is what is true: another node may have the shard already, once this node's lease is over.
    /// Appends need not ask, as the store fences them.
    /// </summary>
    public bool MayRead => Lease is null || Lease.IsValid;

    public Backoff NewBackoff() => new(Commit.MinBackoff, Commit.MaxBackoff, Runtime.Random);
}
