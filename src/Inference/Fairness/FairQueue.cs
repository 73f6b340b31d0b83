namespace RagCluster.Inference.Fairness;

/// <summary>
/// Items of several tenants in the order in which they are fair: each tenant with something waiting gets tokens in
/// proportion to its weight, however much the others ask for. Within a tenant the order is that of arrival. Pure; not
/// safe for concurrent use.
/// </summary>
/// <remarks>
/// Self-clocked fair queueing (Golestani, 1994). An item's tag is its cost over its tenant's weight, after the later of
/// its tenant's last tag and the virtual time, which is the tag of what was taken last. The least tag is next. A tenant
/// that was away gets no credit for it: its next item is at the front, and only that.
/// </remarks>
public sealed class FairQueue<T>
    where T : notnull
{
    private readonly SortedSet<Entry> _waiting = new(Entry.Order);
    private readonly Dictionary<T, Entry> _byItem = [];
    private readonly Dictionary<string, Tenant> _tenants = [];
    private readonly Dictionary<string, double> _recent = [];
    private double _time;
    private long _sequence;

    public int Count => _waiting.Count;

    public long Tokens { get; private set; }

    /// <summary>Tenants that have something waiting.</summary>
    public int Tenants => _tenants.Count;

    /// <summary>In the order in which they would be taken.</summary>
    public IEnumerable<T> Items
    {
        get
        {
            foreach (var entry in _waiting)
            {
                yield return entry.Item;
            }
        }
    }

    public long TokensOf(string tenant) => _tenants.TryGetValue(tenant, out var known) ? known.Tokens : 0;

    public int CountOf(string tenant) => _tenants.TryGetValue(tenant, out var known) ? known.Count : 0;

    public void Add(T item, string tenant, int tokens, double weight = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(tokens);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(weight);
        if (!_tenants.TryGetValue(tenant, out var of))
        {
            // A tenant whose items go one by one as they come has had its share all the same.
            _tenants.Add(tenant, of = new Tenant { LastTag = _recent.Remove(tenant, out var last) ? last : _time });
        }

        // An item without a token takes its turn all the same.
        var tag = Math.Max(_time, of.LastTag) + (Math.Max(tokens, 1) / weight);
        var entry = new Entry(item, tenant, tokens, tag, _sequence++);
        of.LastTag = tag;
        of.Count++;
        of.Tokens += tokens;
        Tokens += tokens;
        _byItem.Add(item, entry);
        _waiting.Add(entry);
    }

    /// <summary>The next item; false if nothing waits.</summary>
    public bool TryPeek(out T item)
    {
        var next = _waiting.Min;
        item = next.Item;
        return _waiting.Count > 0;
    }

    /// <summary>Takes an item out because its turn has come; false if it is not waiting.</summary>
    public bool Take(T item)
    {
        if (!_byItem.TryGetValue(item, out var entry))
        {
            return false;
        }

        Remove(item);

        // Taken before its turn, it does not make the others' turns pass.
        _time = Math.Max(_time, _waiting.Count > 0 ? Math.Min(entry.Tag, _waiting.Min.Tag) : entry.Tag);
        return true;
    }

    /// <summary>Takes an item out that nobody waits for any more; false if it is not waiting. Its turn is not given to anybody.</summary>
    public bool Remove(T item)
    {
        if (!_byItem.Remove(item, out var entry))
        {
            return false;
        }

        _waiting.Remove(entry);
        Tokens -= entry.Tokens;
        var of = _tenants[entry.Tenant];
        of.Tokens -= entry.Tokens;
        if (--of.Count == 0)
        {
            _tenants.Remove(entry.Tenant);
            if (of.LastTag > _time)
            {
                _recent[entry.Tenant] = of.LastTag;
            }

            Forget();
        }

        return true;
    }

    /// <summary>Forgets those whose share the virtual time has passed; with nothing waiting nobody is ahead of anybody.</summary>
    private void Forget()
    {
        if (_waiting.Count == 0)
        {
            _recent.Clear();
        }
        else if (_recent.Count > 2 * (_tenants.Count + 16))
        {
            foreach (var (tenant, last) in _recent)
            {
                if (last <= _time)
                {
                    _recent.Remove(tenant);
                }
            }
        }
    }

    private readonly record struct Entry(T Item, string Tenant, int Tokens, double Tag, long Sequence)
    {
        public static IComparer<Entry> Order { get; } = Comparer<Entry>.Create(static (a, b) =>
            a.Tag.CompareTo(b.Tag) is not 0 and var byTag ? byTag : a.Sequence.CompareTo(b.Sequence));
    }

    private sealed class Tenant
    {
        public double LastTag { get; set; }

        public int Count { get; set; }

        public long Tokens { get; set; }
    }
}
