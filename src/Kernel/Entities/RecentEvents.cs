namespace RagCluster.Kernel.Entities;

/// <summary>The last few events of an entity, for subscribers that are nearly up to date. A ring that grows as it is needed.</summary>
internal sealed class RecentEvents<TEvent>(int capacity)
{
    private const int First = 8;

    private Recorded<TEvent>[] _ring = [];
    private int _count;
    private int _next;

    public void Add(Recorded<TEvent> recorded)
    {
        if (capacity == 0)
        {
            return;
        }

        if (_count == _ring.Length && _count < capacity)
        {
            Grow();
        }

        _ring[_next] = recorded;
        _next = (_next + 1) % _ring.Length;
        _count = Math.Min(_count + 1, _ring.Length);
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
            events[i] = _ring[(int)((_next - wanted + i + (2L * _ring.Length)) % _ring.Length)];
        }

        return events;
    }

    /// <summary>Forgets them all: whoever asks reads the journal.</summary>
    public void Clear() => (_ring, _count, _next) = ([], 0, 0);

    private void Grow()
    {
        var larger = new Recorded<TEvent>[Math.Min(capacity, Math.Max(First, _ring.Length * 2))];
        for (var i = 0; i < _count; i++)
        {
            larger[i] = _ring[(_next + i) % _ring.Length];
        }

        (_ring, _next) = (larger, _count);
    }
}
