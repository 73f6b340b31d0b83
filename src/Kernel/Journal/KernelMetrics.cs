using System.Diagnostics.Metrics;

namespace RagCluster.Kernel.Journal;

/// <summary>What the kernel counts, under the meter "RagCluster.Kernel".</summary>
internal static class KernelMetrics
{
    private static readonly Meter Meter = new("RagCluster.Kernel");

    public static readonly Counter<long> EventsAppended = Meter.CreateCounter<long>("ragcluster.journal.events", "{event}", "Events that became durable.");

    public static readonly Counter<long> Appends = Meter.CreateCounter<long>("ragcluster.journal.appends", "{batch}", "Batches of one shard, by result.");

    public static readonly Histogram<long> BatchEvents = Meter.CreateHistogram<long>("ragcluster.journal.batch.events", "{event}", "Events in one batch of one shard.");

    public static readonly Histogram<double> CommitDuration = Meter.CreateHistogram<double>("ragcluster.journal.commit.duration", "s", "From handing a batch to the lane until it is durable.");

    public static readonly UpDownCounter<long> EntitiesLive = Meter.CreateUpDownCounter<long>("ragcluster.entities.live", "{entity}", "Entities in memory, by type.");

    public static readonly Counter<long> Recoveries = Meter.CreateCounter<long>("ragcluster.entities.recoveries", "{recovery}", "Entities recovered from their log, by type.");

    public static readonly Counter<long> EventsReplayed = Meter.CreateCounter<long>("ragcluster.entities.replayed", "{event}", "Events replayed by recoveries, by type.");

    public static readonly Counter<long> RepeatedCommands = Meter.CreateCounter<long>("ragcluster.entities.repeated", "{command}", "Commands answered with an earlier reply, by type.");

    public static readonly Counter<long> EntityFailures = Meter.CreateCounter<long>("ragcluster.entities.failures", "{failure}", "Entities that threw and were recovered, by type.");

    public static readonly Counter<long> SnapshotsSaved = Meter.CreateCounter<long>("ragcluster.entities.snapshots", "{snapshot}", "Snapshots saved, by type.");

    public static KeyValuePair<string, object?> Type(string entityType) => new("type", entityType);

    public static KeyValuePair<string, object?> Result(AppendResult result) => new("result", result switch
    {
        AppendResult.Committed => "committed",
        AppendResult.Fenced => "fenced",
        AppendResult.Conflict => "conflict",
        _ => "unknown",
    });
}
