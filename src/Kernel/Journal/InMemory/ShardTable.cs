namespace RagCluster.Kernel.Journal.InMemory;

/// <summary>One shard's rows. Its owner locks.</summary>
internal sealed class ShardTable(ShardRow row)
{
    private readonly HashSet<(string Entity, long Seq)> _keys = [];

    public ShardRow Row { get; set; } = row;

    public List<JournalRecord> Log { get; } = [];

    public Dictionary<string, Snapshot> Snapshots { get; } = new(StringComparer.Ordinal);

    public SortedSet<string> Remembered { get; } = new(StringComparer.Ordinal);

    /// <summary>An append whose sender has stopped waiting; it lands before the next change of owner or append.</summary>
    public ShardBatch? Late { get; set; }

    public void LandLate()
    {
        if (Late is { } late)
        {
            Late = null;
            Append(late);
        }
    }

    public AppendResult Append(ShardBatch batch)
    {
        LandLate();
        if (batch.Epoch != Row.Epoch)
        {
            return AppendResult.Fenced;
        }

        var seen = new HashSet<(string, long)>();
        if (batch.FirstShardSeq != Log.Count + 1 || batch.Events.Any(e => _keys.Contains((e.Entity, e.Seq)) || !seen.Add((e.Entity, e.Seq))))
        {
            return AppendResult.Conflict;
        }

        foreach (var e in batch.Events)
        {
            _keys.Add((e.Entity, e.Seq));
            Log.Add(new JournalRecord(
                Log.Count + 1, e.Entity, e.Seq, batch.Epoch, e.CommandId, e.Reply.ToArray(), e.Payload.ToArray(), DateTimeOffset.FromUnixTimeMilliseconds(e.At.ToUnixTimeMilliseconds())));
        }

        foreach (var change in batch.Remembered)
        {
            _ = change.Remembered ? Remembered.Add(change.Entity) : Remembered.Remove(change.Entity);
        }

        return AppendResult.Committed;
    }
}
