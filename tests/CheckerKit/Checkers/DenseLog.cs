namespace RagCluster.CheckerKit.Checkers;

/// <summary>C2, first half: places in the log are dense and unique, along a shard and along an entity.</summary>
public sealed class DenseLog : IChecker
{
    public string Name => "C2";

    public string Promise => "Along a shard, and along an entity, sequence numbers are dense and unique from 1.";

    public IEnumerable<Violation> Check(Run run)
    {
        foreach (var shard in run.Log.GroupBy(record => record.Shard))
        {
            var place = 0L;
            var entities = new Dictionary<string, long>(StringComparer.Ordinal);
            foreach (var record in shard)
            {
                if (record.ShardSeq != ++place)
                {
                    yield return new Violation(Name, record.Entity, $"Shard {record.Shard}: {record.ShardSeq} stands where {place} is due.");
                    place = record.ShardSeq;
                }

                var last = entities.GetValueOrDefault(record.Entity);
                if (record.Seq != last + 1)
                {
                    yield return new Violation(Name, record.Entity, $"{record.Type}: {last} is followed by {record.Seq}.");
                }

                entities[record.Entity] = record.Seq;
            }
        }
    }
}
