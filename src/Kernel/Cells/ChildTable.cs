namespace RagCluster.Kernel.Cells;

/// <summary>
/// The actors right below one actor, or below the system, by name. Chained through the cells themselves, so that a
/// child costs its parent a bucket and nothing else. Safe from any thread.
/// </summary>
internal sealed class ChildTable
{
    private ActorCell?[] _buckets = [];
    private int _count;
    private bool _closed;

    /// <exception cref="ArgumentException">The name is taken.</exception>
    /// <exception cref="InvalidOperationException">The table is closed.</exception>
    internal void Add(ActorCell cell)
    {
        lock (this)
        {
            if (_closed)
            {
                throw new InvalidOperationException($"{cell.Path} cannot start: what is above it is stopping.");
            }

            if (_count >= _buckets.Length)
            {
                Grow();
            }

            ref var head = ref Bucket(_buckets, cell.Name);
            for (var other = head; other is not null; other = other.Sibling)
            {
                if (other.Name == cell.Name)
                {
                    throw new ArgumentException($"{cell.Path} is taken by a living actor; stop that one first, or choose another name.");
                }
            }

            (cell.Sibling, head) = (head, cell);
            _count++;
        }
    }

    internal void Remove(ActorCell cell)
    {
        lock (this)
        {
            ref var link = ref Bucket(_buckets, cell.Name);
            while (link is not null && link != cell)
            {
                link = ref link.Sibling;
            }

            if (link is not null)
            {
                (link, cell.Sibling) = (cell.Sibling, null);
                _count--;
            }
        }
    }

    /// <summary>In name order: the same on every run.</summary>
    internal List<ActorCell> All()
    {
        var all = new List<ActorCell>();
        lock (this)
        {
            foreach (var head in _buckets)
            {
                for (var cell = head; cell is not null; cell = cell.Sibling)
                {
                    all.Add(cell);
                }
            }
        }

        all.Sort(static (a, b) => string.CompareOrdinal(a.Name, b.Name));
        return all;
    }

    internal void Close()
    {
        lock (this)
        {
            _closed = true;
        }
    }

    private static ref ActorCell? Bucket(ActorCell?[] buckets, string name) =>
        ref buckets[(uint)string.GetHashCode(name, StringComparison.Ordinal) % (uint)buckets.Length];

    private void Grow()
    {
        var wider = new ActorCell?[Math.Max(4, _buckets.Length * 2)];
        foreach (var head in _buckets)
        {
            var cell = head;
            while (cell is not null)
            {
                ref var place = ref Bucket(wider, cell.Name);
                (cell.Sibling, place, cell) = (place, cell, cell.Sibling);
            }
        }

        _buckets = wider;
    }
}
