namespace RagCluster.Inference.Batching;

/// <summary>
/// Decides when waiting items become a batch, and which. Pure: time comes in as a value; not safe for concurrent use.
/// </summary>
/// <remarks>
/// A batch is cut when it is full (by items or by tokens) or when the first item of a priority has waited its delay.
/// Interactive items go first, then ingestion items fill what is left; while ingestion waits, one place of a batch is
/// kept for it, so that no load starves it. Within a priority the order is that of arrival. Items are neither lost nor
/// doubled: each added item leaves in one batch, or is removed.
/// </remarks>
public sealed class BatchQueue<T>(BatchLimits limits)
    where T : notnull
{
    private readonly Line[] _lines = [new(limits.InteractiveDelay), new(limits.MaxDelay)];

    public int Count => _lines[0].Items.Count + _lines[1].Items.Count;

    /// <summary>False if as many items of this priority wait as may.</summary>
    public bool TryAdd(T item, int tokens, BatchPriority priority, DateTimeOffset now)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        var line = _lines[(int)priority];
        if (line.Items.Count >= limits.Capacity)
        {
            return false;
        }

        line.Items.AddLast(new Waiting(item, tokens, now));
        line.Tokens += tokens;
        return true;
    }

    /// <summary>Takes out an item that nobody waits for any more; false if it is not waiting.</summary>
    public bool Remove(T item, BatchPriority priority)
    {
        var line = _lines[(int)priority];
        for (var node = line.Items.First; node is not null; node = node.Next)
        {
            if (node.Value.Item.Equals(item))
            {
                line.Items.Remove(node);
                line.Tokens -= node.Value.Tokens;
                return true;
            }
        }

        return false;
    }

    /// <summary>When the next batch is due if nothing else comes; null if nothing waits.</summary>
    public DateTimeOffset? DueAt()
    {
        DateTimeOffset? due = null;
        foreach (var line in _lines)
        {
            if (line.Items.First is { } first && !(due <= first.Value.Since + line.Delay))
            {
                due = first.Value.Since + line.Delay;
            }
        }

        return due;
    }

    /// <summary>The next batch if one is full or due; otherwise an empty one.</summary>
    public IReadOnlyList<T> Cut(DateTimeOffset now)
    {
        if (Count < limits.MaxItems && _lines[0].Tokens + _lines[1].Tokens < limits.MaxTokens && !(DueAt() <= now))
        {
            return [];
        }

        var batch = new List<T>(Math.Min(Count, limits.MaxItems));
        var tokens = 0L;
        var kept = limits.MaxItems > 1 && _lines[1].Items.Count > 0 ? 1 : 0;
        Take(_lines[0], limits.MaxItems - kept, batch, ref tokens);
        Take(_lines[1], limits.MaxItems, batch, ref tokens);
        Take(_lines[0], limits.MaxItems, batch, ref tokens);
        return batch;
    }

    private void Take(Line line, int upTo, List<T> batch, ref long tokens)
    {
        while (batch.Count < upTo && line.Items.First is { } first)
        {
            if (batch.Count > 0 && tokens + first.Value.Tokens > limits.MaxTokens)
            {
                return;
            }

            line.Items.RemoveFirst();
            line.Tokens -= first.Value.Tokens;
            tokens += first.Value.Tokens;
            batch.Add(first.Value.Item);
        }
    }

    private readonly record struct Waiting(T Item, int Tokens, DateTimeOffset Since);

    private sealed class Line(TimeSpan delay)
    {
        public TimeSpan Delay { get; } = delay;

        public LinkedList<Waiting> Items { get; } = new();

        public long Tokens { get; set; }
    }
}
