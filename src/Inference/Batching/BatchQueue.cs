using RagCluster.Inference.Fairness;

namespace RagCluster.Inference.Batching;

/// <summary>
/// Decides when waiting items become a batch, and which. Pure: time comes in as a value; not safe for concurrent use.
/// </summary>
/// <remarks>
/// A batch is cut when it is full (by items or by tokens) or when the first item of a priority has waited its delay.
/// Interactive items go first, then ingestion items fill what is left; while ingestion waits, one place of a batch is
/// kept for it, so that no load starves it. Within a priority tenants share by tokens, and a tenant's items go in order of
/// arrival, with one exception: when more ingestion items wait than a batch takes, those of similar length go together,
/// because an endpoint pads a batch to its longest text. The item whose turn it is always goes; others overtake it by at
/// most <see cref="BatchLimits.Lookahead"/> batches. Items are neither lost nor doubled: each added item leaves in one
/// batch, or is removed.
/// </remarks>
public sealed class BatchQueue<T>(BatchLimits limits)
    where T : notnull
{
    private readonly Line[] _lines = [new(limits.InteractiveDelay), new(limits.MaxDelay)];

    public int Count => _lines[0].Items.Count + _lines[1].Items.Count;

    public long Tokens => _lines[0].Items.Tokens + _lines[1].Items.Tokens;

    /// <summary>Items of a priority that wait.</summary>
    public int CountOf(BatchPriority priority) => _lines[(int)priority].Items.Count;

    /// <summary>False if as many items of this priority wait as may.</summary>
    /// <param name="weight">Of the tenant: see <see cref="FairQueue{T}"/>.</param>
    public bool TryAdd(T item, int tokens, BatchPriority priority, DateTimeOffset now, string tenant = "", double weight = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        var line = _lines[(int)priority];
        if (line.Items.Count >= limits.Capacity)
        {
            return false;
        }

        line.Items.Add(item, tenant, tokens, weight);
        line.Waiting.Add(item, (line.Arrivals.AddLast((item, now)), tokens));
        return true;
    }

    /// <summary>Takes out an item that nobody waits for any more; false if it is not waiting.</summary>
    public bool Remove(T item, BatchPriority priority)
    {
        var line = _lines[(int)priority];
        return line.Items.Remove(item) && line.Left(item);
    }

    /// <summary>When the next batch is due if nothing else comes; null if nothing waits.</summary>
    public DateTimeOffset? DueAt()
    {
        DateTimeOffset? due = null;
        foreach (var line in _lines)
        {
            if (line.Arrivals.First is { } first && !(due <= first.Value.Since + line.Delay))
            {
                due = first.Value.Since + line.Delay;
            }
        }

        return due;
    }

    /// <summary>The next batch if one is full or due; otherwise an empty one.</summary>
    public IReadOnlyList<T> Cut(DateTimeOffset now)
    {
        if (Count < limits.MaxItems && Tokens < limits.MaxTokens && !(DueAt() <= now))
        {
            return [];
        }

        var batch = new List<T>(Math.Min(Count, limits.MaxItems));
        var tokens = 0L;
        var kept = limits.MaxItems > 1 && _lines[1].Items.Count > 0 ? 1 : 0;
        Take(_lines[0], limits.MaxItems - kept, batch, ref tokens);
        if (_lines[1].Items.Count > limits.MaxItems - batch.Count && limits.Lookahead > 1)
        {
            TakeAlike(_lines[1], batch, ref tokens);
        }
        else
        {
            Take(_lines[1], limits.MaxItems, batch, ref tokens);
        }

        Take(_lines[0], limits.MaxItems, batch, ref tokens);
        return batch;
    }

    private void Take(Line line, int upTo, List<T> batch, ref long tokens)
    {
        while (batch.Count < upTo && line.Items.TryPeek(out var next))
        {
            var cost = line.Waiting[next].Tokens;
            if (batch.Count > 0 && tokens + cost > limits.MaxTokens)
            {
                return;
            }

            line.Take(next);
            tokens += cost;
            batch.Add(next);
        }
    }

    /// <summary>The next item, and of those after it the ones that are nearest in length.</summary>
    private void TakeAlike(Line line, List<T> batch, ref long tokens)
    {
        line.Items.TryPeek(out var next);
        var length = line.Waiting[next].Tokens;
        var candidates = new List<(T Item, int Tokens, int Order)>(Math.Min(line.Items.Count, limits.MaxItems * limits.Lookahead));
        foreach (var item in line.Items.Items)
        {
            candidates.Add((item, line.Waiting[item].Tokens, candidates.Count));
            if (candidates.Count == limits.MaxItems * limits.Lookahead)
            {
                break;
            }
        }

        candidates.Sort((a, b) => Math.Abs(a.Tokens - length).CompareTo(Math.Abs(b.Tokens - length)) is not 0 and var byLength ? byLength : a.Order.CompareTo(b.Order));

        // The one whose turn it is comes first in this order, unless another of its very length came before it: it has none before it.
        foreach (var (item, cost, _) in candidates)
        {
            if (batch.Count >= limits.MaxItems || (batch.Count > 0 && tokens + cost > limits.MaxTokens))
            {
                return;
            }

            line.Take(item);
            tokens += cost;
            batch.Add(item);
        }
    }

    private sealed class Line(TimeSpan delay)
    {
        public TimeSpan Delay { get; } = delay;

        public FairQueue<T> Items { get; } = new();

        public LinkedList<(T Item, DateTimeOffset Since)> Arrivals { get; } = new();

        public Dictionary<T, (LinkedListNode<(T Item, DateTimeOffset Since)> Arrival, int Tokens)> Waiting { get; } = [];

        public void Take(T item)
        {
            Items.Take(item);
            Left(item);
        }

        public bool Left(T item)
        {
            if (!Waiting.Remove(item, out var waiting))
            {
                return false;
            }

            Arrivals.Remove(waiting.Arrival);
            return true;
        }
    }
}
