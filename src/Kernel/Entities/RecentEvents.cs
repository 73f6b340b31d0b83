namespace RagCluster.Kernel.Entities;

/// <summary>The last few events of an entity, for subscribers that are nearly up to date. A ring.</summary>
internal sealed class RecentEvents<TEvent>(int capacity)
{
    private readonly Recorded<TEvent>[] _ring = new Recorded<TEvent>[capacity];
    private int _count;
    private int _next;

    public void Add(Recorded<TEvent> recorded)
    {
        if (capacity == 0)
        {
            return;
        }

        _ring[_next] = recorded;
        _next = (_next + 1) % capacity;
        _count = Math.Min(_count + 1, capacity);
    }

    /// <summary>Every event after <paramref name="seq"/> up to <paramref name="last"/>; null if some of them are no longer here.</summary>
    public IReadOnlyList<Recorded<TEvent>>? After(long seq, long last)
    {
        var wanted = last - seq;
        if (wanted > _count)
        {
            return null;
        }

        var events = new Recorded<TEvent>[wanted];
        for (var i = 0; i < wanted; i++)
        {
            events[i] = _ring[(int)((_next - wanted + i + (2L * capacity)) % Math.Max(capacity, 1))];
        }

        return events;
    }
}
