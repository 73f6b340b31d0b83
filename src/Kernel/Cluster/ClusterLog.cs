using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Cluster;

/// <summary>Event ids 2300 to 2399 are the cluster's.</summary>
internal static partial class ClusterLog
{
    [LoggerMessage(2300, LogLevel.Information, "Node {Node} joins the cluster at {Address}.")]
    internal static partial void Joining(ILogger log, NodeIncarnation node, string address);

    [LoggerMessage(2301, LogLevel.Information, "Node {Node} is up; the cluster has {Members} members.")]
    internal static partial void Up(ILogger log, NodeIncarnation node, int members);

    [LoggerMessage(2302, LogLevel.Warning, "Node {Node} at {Address} is not up yet: no answer from {Missing}. Each must reach the other: check addresses, firewalls and secrets. It goes on as soon as they answer, or are dead.")]
    internal static partial void NotConnected(ILogger log, NodeIncarnation node, string address, string missing);

    [LoggerMessage(2303, LogLevel.Warning, "Node {Node} could not renew its lease; it has {Left} left, then it stops itself.")]
    internal static partial void NotRenewed(ILogger log, Exception reason, NodeIncarnation node, TimeSpan left);

    [LoggerMessage(2304, LogLevel.Critical, "Node {Node} stops itself: {Reason} What it acknowledged is safe; start it again.")]
    internal static partial void Fenced(ILogger log, NodeIncarnation node, string reason);

    [LoggerMessage(2305, LogLevel.Warning, "The members and shards could not be read from the store; what is known is a little older now.")]
    internal static partial void NotLooked(ILogger log, Exception reason);

    [LoggerMessage(2306, LogLevel.Information, "Member {Node} at {Address}: {Change}.")]
    internal static partial void MemberChanged(ILogger log, NodeIncarnation node, string address, MemberChange change);

    [LoggerMessage(2307, LogLevel.Warning, "Member {Node} is dead: its lease is over.")]
    internal static partial void Buried(ILogger log, NodeIncarnation node);

    [LoggerMessage(2320, LogLevel.Information, "Shard {Type}/{Number} opens here.")]
    internal static partial void Taking(ILogger log, string type, int number);

    [LoggerMessage(2321, LogLevel.Information, "Shard {Type}/{Number} goes from here to {Target}.")]
    internal static partial void HandingOff(ILogger log, string type, int number, NodeIncarnation? target);

    [LoggerMessage(2322, LogLevel.Information, "Shard {Type}/{Number} has left this node; its epoch is {Epoch} now. That took {Time}.")]
    internal static partial void HandedOff(ILogger log, string type, int number, long? epoch, TimeSpan time);

    [LoggerMessage(2323, LogLevel.Warning, "Shard {Type}/{Number} has another owner since epoch {Epoch}: this node stops it.")]
    internal static partial void LostUnawares(ILogger log, string type, int number, long epoch);

    [LoggerMessage(2324, LogLevel.Debug, "Proposing {Proposal}.")]
    internal static partial void Proposing(ILogger log, Proposal proposal);

    [LoggerMessage(2325, LogLevel.Warning, "Not all shards could be handed off within {Budget}: {Left} are cut off, as after a crash. Nothing acknowledged is lost.")]
    internal static partial void DrainCut(ILogger log, TimeSpan budget, int left);

    [LoggerMessage(2330, LogLevel.Warning, "A message from {Peer} could not be understood and is skipped.")]
    internal static partial void BadMessage(ILogger log, Exception reason, Peer peer);

    [LoggerMessage(2331, LogLevel.Debug, "A message of kind {Kind} from {Peer} is not known here; it may be newer than this program.")]
    internal static partial void UnknownMessage(ILogger log, int kind, Peer peer);

    [LoggerMessage(2332, LogLevel.Debug, "Link with {Peer} lost.")]
    internal static partial void LinkLost(ILogger log, Exception? reason, Peer peer);

    [LoggerMessage(2333, LogLevel.Error, "Serving {Peer} failed; this is a defect. Its command is answered as unknown.")]
    internal static partial void ServingFailed(ILogger log, Exception reason, Peer peer);
}
