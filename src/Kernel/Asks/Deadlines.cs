namespace RagCluster.Kernel.Asks;

/// <summary>
/// Timeouts that are nearly always cancelled, such as those of asks: setting and clearing one links and unlinks it in
/// a list, without a timer of its own. Each list keeps one timer at the earliest deadline it knew of.
/// </summary>
internal sealed class Deadlines
{
    private readonly DeadlineList[] _lists;

    internal Deadlines(TimeProvider time)
    {
        _lists = new DeadlineList[8];
        for (var i = 0; i < _lists.Length; i++)
        {
            _lists[i] = new DeadlineList(time);
        }
    }

    /// <summary>A list that few other threads use at the moment.</summary>
    internal DeadlineList Mine => _lists[Environment.CurrentManagedThreadId & 7];
}

internal abstract class Deadline
{
    internal Deadline? Previous;
    internal Deadline? Next;
    internal long At;

    internal abstract void Expire();
}

internal sealed class DeadlineList(TimeProvider time)
{
    private readonly Lock _lock = new();
    private Deadline? _first;
    private ITimer? _timer;
    private long _armedFor = long.MaxValue;

    internal void Add(Deadline deadline, TimeSpan after)
    {
        var now = time.GetTimestamp();
        deadline.At = now + (long)Math.Ceiling(after.TotalSeconds * time.TimestampFrequency);
        lock (_lock)
        {
            deadline.Next = _first;
            if (_first is not null)
            {
                _first.Previous = deadline;
            }

            _first = deadline;
            if (deadline.At < _armedFor)
            {
                Arm(deadline.At, now);
            }
        }
    }

    /// <summary>Also right for one that is not in the list any more.</summary>
    internal void Remove(Deadline deadline)
    {
        lock (_lock)
        {
            Unlink(deadline);
        }
    }

    private void Unlink(Deadline deadline)
    {
        if (deadline.Previous is not null)
        {
            deadline.Previous.Next = deadline.Next;
        }
        else if (_first == deadline)
        {
            _first = deadline.Next;
        }

        if (deadline.Next is not null)
        {
            deadline.Next.Previous = deadline.Previous;
        }

        (deadline.Previous, deadline.Next) = (null, null);
    }

    private void Arm(long at, long now)
    {
        // Rounded up to what a timer can tell apart, so that it does not come a moment too early and again.
        var due = TimeSpan.FromMilliseconds(Math.Ceiling(Math.Max(0, at - now) * 1000.0 / time.TimestampFrequency));
        _armedFor = at;
        _timer ??= time.CreateTimer(static self => ((DeadlineList)self!).Sweep(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _timer.Change(due, Timeout.InfiniteTimeSpan);
    }

    private void Sweep()
    {
        var expired = new List<Deadline>();
        lock (_lock)
        {
            var now = time.GetTimestamp();
            var earliest = long.MaxValue;
            for (var deadline = _first; deadline is not null;)
            {
                var next = deadline.Next;
                if (deadline.At <= now)
                {
                    Unlink(deadline);
                    expired.Add(deadline);
                }
                else
                {
                    earliest = Math.Min(earliest, deadline.At);
                }

                deadline = next;
            }

            _armedFor = long.MaxValue;
            if (earliest != long.MaxValue)
            {
                Arm(earliest, now);
            }
        }

        foreach (var deadline in expired)
        {
            deadline.Expire();
        }
    }
}
