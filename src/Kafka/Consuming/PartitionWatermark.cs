namespace RagCluster.Kafka.Consuming;

/// <summary>
/// Up to where a partition may be committed (I6). Offsets are taken in the order of the partition, with gaps where
/// records were compacted away, and settled in any order; the watermark is the first offset of which something may
/// still be open. Not safe for several threads.
/// </summary>
public sealed class PartitionWatermark
{
    private readonly Queue<Entry> _open = new();
    private readonly Dictionary<long, Entry> _byOffset = [];
    private long _last = -1;

    /// <summary>What is to be committed: the offset to go on from. Null as long as nothing was taken; never falls.</summary>
    public long? Committable { get; private set; }

    /// <summary>How many offsets were taken and not settled.</summary>
    public int Unsettled { get; private set; }

    /// <summary>How many offsets are held back, settled or not, by the first that is open.</summary>
    public int Held => _open.Count;

    /// <exception cref="ArgumentOutOfRangeException">The offset is not behind those taken before.</exception>
    public void Take(long offset)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(offset, _last);
        Committable ??= offset;
        _last = offset;
        var entry = new Entry(offset);
        _open.Enqueue(entry);
        _byOffset.Add(offset, entry);
        Unsettled++;
    }

    /// <summary>Says that nothing of the offset is open any more. False if it was not taken, or settled before.</summary>
    public bool Settle(long offset)
    {
        if (!_byOffset.Remove(offset, out var entry))
        {
            return false;
        }

        entry.Settled = true;
        Unsettled--;
        while (_open.TryPeek(out var first) && first.Settled)
        {
            _open.Dequeue();
            Committable = first.Offset + 1;
        }

        return true;
    }

    private sealed class Entry(long offset)
    {
        public long Offset => offset;

        public bool Settled { get; set; }
    }
}
