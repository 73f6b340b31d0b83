namespace RagCluster.Kernel.Inspection;

/// <summary>What a look through one shard found.</summary>
/// <param name="Events">How many there are in its log.</param>
/// <param name="Entities">Everyone to whom something has happened.</param>
/// <param name="Wrong">How many findings there are.</param>
/// <param name="Findings">The first of them, in words.</param>
public sealed record ShardFindings(
    string EntityType, int Number, long Events, IReadOnlyCollection<string> Entities, long Wrong, IReadOnlyList<string> Findings);

/// <summary>Counts all findings and keeps the first, so that a log in ruins does not fill the memory.</summary>
internal sealed class FindingList
{
    private const int MaxKept = 100;

    private readonly List<string> _kept = [];

    public long Total { get; private set; }

    public IReadOnlyList<string> Kept => _kept;

    public void Add(string finding)
    {
        Total++;
        if (_kept.Count < MaxKept)
        {
            _kept.Add(finding);
        }
    }
}
