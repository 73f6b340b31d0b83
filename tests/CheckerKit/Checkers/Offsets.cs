namespace RagCluster.CheckerKit.Checkers;

/// <summary>C5: nothing is committed that is not durable, and nothing that was queued is without an end (I6).</summary>
public sealed class Offsets : IChecker
{
    public string Name => "C5";

    public string Promise => "A committed offset is at most the lowest one that is not durable; every offset is indexed, removed or dead-lettered in the end.";

    public IEnumerable<Violation> Check(Run run)
    {
        foreach (var partition in run.Queue.GroupBy(record => record.Partition))
        {
            foreach (var lost in partition.Where(record => !record.Ended).Take(10))
            {
                yield return new Violation(Name, partition.Key, $"Offset {lost.Offset} is neither indexed, nor removed, nor dead-lettered.");
            }

            foreach (var commit in run.Commits.Where(commit => commit.Partition == partition.Key))
            {
                if (partition.Where(record => record.Offset < commit.Offset && !(record.DurableAt <= commit.At)).MinBy(record => record.Offset) is { } early)
                {
                    yield return new Violation(
                        Name, partition.Key, $"{commit.Offset} was committed at {commit.At}, and offset {early.Offset} {(early.DurableAt is { } at ? $"was durable only at {at}" : "never was durable")}.");
                    break;
                }
            }
        }
    }
}
