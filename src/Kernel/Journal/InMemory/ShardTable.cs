namespace RagCluster.Kernel.Journal.InMemory;

/// <summary>One shard's rows. Its owner locks.</summary>
internal sealed class ShardTable(ShardRow row)
{
    private readonly HashSet<(string Entity, long Seq)> _keys = [];

    /// <summary>Places in the log, of each entity's events in the order of the log.</summary>
    private readonly Dictionary<string, List<int>> _places = new(StringComparer.Ordinal);

    public ShardRow Row { get; set; } = row;

    public List<JournalRecord> Log { get; } = [];

    public Dictionary<string, Snapshot> Snapshots { get; } = new(StringComparer.Ordinal);

    public SortedSet<string> Remembered { get; } = new(StringComparer.Ordinal);

    /// <summary>An append whose sender has stopped waiting; it lands before the next change of owner or append.</summary>
    public ShardBatch? Late { get; set; }

    /// <summary>The entity's events after a sequence number. Its own are in order, whatever a test has appended beside its writer.</summary>
    public IEnumerable<JournalRecord> Of(string entity, long afterSeq)
    {
        var places = _places.GetValueOrDefault(entity) ?? [];
        var first = (int)Math.Min(places.Count, Math.Max(0, afterSeq));
        while (first > 0 && Log[places[first - 1]].Seq > afterSeq)
        {
            first--;
        }

        return places.Skip(first).Select(place => Log[place]).Where(record => record.Seq > afterSeq);
    }

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
            (_places.TryGetValue(e.Entity, out var places) ? places : _places[e.Entity] = []).Add(Log.Count);
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
