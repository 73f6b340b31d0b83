using RagCluster.Kernel.Journal;

namespace RagCluster.CheckerKit.Checkers;

/// <summary>C3 and I2: one writer per epoch, and never one of an epoch that was superseded.</summary>
public sealed class Epochs : IChecker
{
    public string Name => "C3";

    public string Promise => "The epoch never falls along a log, an epoch has one writer, and nothing is written under a superseded one.";

    public IEnumerable<Violation> Check(Run run)
    {
        var owners = new Dictionary<(int Shard, long Epoch), OwnerChange>();
        foreach (var change in run.Owners)
        {
            if (!owners.TryAdd((change.Shard, change.Epoch), change))
            {
                yield return new Violation(Name, $"shard {change.Shard}", $"Epoch {change.Epoch} was given to {owners[(change.Shard, change.Epoch)].Owner} and then to {change.Owner}.");
            }
        }

        foreach (var shard in run.Log.GroupBy(record => record.Shard))
        {
            var epoch = 0L;
            var writers = new Dictionary<long, NodeIncarnation>();
            foreach (var record in shard)
            {
                if (record.Epoch < epoch)
                {
                    yield return new Violation(Name, record.Entity, $"Shard {record.Shard}: epoch {epoch} is followed by {record.Epoch} at {record.ShardSeq}.");
                }

                epoch = Math.Max(epoch, record.Epoch);
                if (record.Writer is { } writer && !writers.TryAdd(record.Epoch, writer) && writers[record.Epoch] != writer)
                {
                    yield return new Violation(Name, record.Entity, $"Shard {record.Shard}, epoch {record.Epoch}: written by {writers[record.Epoch]} and by {writer}, at {record.ShardSeq}.");
                }

                if (owners.GetValueOrDefault((record.Shard, record.Epoch)) is { } owned && record.Writer is { } by && owned.Owner != by)
                {
                    yield return new Violation(Name, record.Entity, $"Shard {record.Shard}: {by} wrote {record.ShardSeq} under epoch {record.Epoch}, which is {owned.Owner?.ToString() ?? "nobody"}'s.");
                }

                if (record.CommittedAt is { } at && owners.GetValueOrDefault((record.Shard, record.Epoch + 1)) is { } next && at > next.At)
                {
                    yield return new Violation(Name, record.Entity, $"Shard {record.Shard}: {record.ShardSeq} was written under epoch {record.Epoch} at {at}, after {next.At} when epoch {next.Epoch} began.");
                }
            }
        }
    }
}
