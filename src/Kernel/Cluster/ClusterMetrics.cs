using System.Diagnostics.Metrics;

namespace RagCluster.Kernel.Cluster;

/// <summary>What the cluster counts, under the meter "RagCluster.Kernel".</summary>
internal static class ClusterMetrics
{
    private static readonly Meter Meter = new("RagCluster.Kernel");

    public static readonly Counter<long> Fenced = Meter.CreateCounter<long>("ragcluster.cluster.fenced", "{node}", "Times that this node stopped itself, because it could not renew its lease or was declared dead.");

    public static readonly Counter<long> HandOffs = Meter.CreateCounter<long>("ragcluster.cluster.handoffs", "{shard}", "Shards that this node gave to another.");

    public static readonly Histogram<double> HandOffDuration = Meter.CreateHistogram<double>("ragcluster.cluster.handoff.duration", "s", "From refusing commands until the shard was given up.");

    public static readonly Counter<long> Takes = Meter.CreateCounter<long>("ragcluster.cluster.takes", "{shard}", "Shards that this node opened.");

    public static readonly Counter<long> Moved = Meter.CreateCounter<long>("ragcluster.cluster.moved", "{command}", "Commands of other nodes that were sent on, because their shard is not here.");

    public static readonly Counter<long> Retries = Meter.CreateCounter<long>("ragcluster.cluster.retries", "{command}", "Times that a command was sent again, to the same owner or the next.");

    public static readonly Counter<long> Buffered = Meter.CreateCounter<long>("ragcluster.cluster.buffered", "{command}", "Commands that had to wait until their shard had an owner that could be reached.");

    public static readonly Counter<long> BufferFull = Meter.CreateCounter<long>("ragcluster.cluster.buffer.full", "{command}", "Commands that were refused because too many waited for their shard already.");

    public static readonly Counter<long> RemoteAsks = Meter.CreateCounter<long>("ragcluster.cluster.asks", "{command}", "Commands sent to other nodes.");

    public static readonly Counter<long> BadMessages = Meter.CreateCounter<long>("ragcluster.cluster.bad_messages", "{message}", "Messages of other nodes that could not be understood.");

    public static readonly Counter<long> UnknownMessages = Meter.CreateCounter<long>("ragcluster.cluster.unknown_messages", "{message}", "Messages of other nodes of a kind that is not known here.");
}
