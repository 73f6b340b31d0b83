using Microsoft.Extensions.Logging;
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
    public Backoff NewBackoff() => new(Commit.MinBackoff, Commit.MaxBackoff, Runtime.Random);
}
