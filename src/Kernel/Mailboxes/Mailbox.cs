using System.Diagnostics;

namespace RagCluster.Kernel.Mailboxes;

/// <summary>
/// A bounded queue from many senders to one actor, and the actor's claim to a turn, in one atomic word. A struct, so
/// that it lies inside its owner; never copy it.
/// </summary>
/// <remarks>
/// 1. <c>_state</c> holds the number of occupied places and the flags. A sender takes a place, and the right to
///    schedule the turn, in one compare-and-set; the owner gives the turn up in one compare-and-set that fails if a
///    place is occupied. So there is no moment between "enqueue" and "look at the scheduled flag" in which a wake-up
///    could be lost, and no fence to forget.
/// 2. A sender then pushes its node on <c>_inbox</c>, a lock-free stack. The owner takes the whole stack with one
///    exchange, turns it round into <c>_batch</c> and works from there without touching what senders write.
/// 3. Between 1 and 2 a place is occupied whose node is not there yet: the owner spins for those few instructions.
/// 4. Places are given back by <see cref="Release"/>, a batch at a time; that is also when waiting senders come in.
///    While any sender waits, nobody overtakes it.
/// </remarks>
internal struct Mailbox<T>
{
    internal const int MaxCapacity = (1 << 24) - 1;

    private const int CountMask = MaxCapacity;
    private const int Scheduled = 1 << 24;
    private const int System = 1 << 25;
    private const int Waiting = 1 << 26;
    private const int Suspended = 1 << 27;
    private const int Closed = 1 << 28;

    private readonly int _capacity;
    private int _state;
    private int _taken;
    private Node? _inbox;
    private Node? _batch;
    private SystemItem? _system;
    private WaitingSenders<T>? _waiting;

    /// <param name="scheduled">Whether the mailbox starts with its turn taken, by whoever makes it.</param>
    internal Mailbox(int capacity, bool scheduled)
    {
        _capacity = capacity;
        _state = scheduled ? Scheduled : 0;
    }

    /// <summary>Occupied places: waiting messages, and up to one batch of handled ones that are not released yet.</summary>
    internal readonly int Count => Volatile.Read(in _state) & CountMask;

    internal readonly bool IsClosed => (Volatile.Read(in _state) & Closed) != 0;

    internal readonly bool HasSystem => Volatile.Read(in _system) is not null;

    /// <summary>Messages taken whose places are not released yet.</summary>
    internal readonly int Taken => _taken;

    internal PostResult Post(T item)
    {
        var state = Volatile.Read(ref _state);
        if ((state & (Closed | Waiting)) != 0 || (state & CountMask) >= _capacity)
        {
            return (state & Closed) != 0 ? PostResult.Closed : PostResult.Full;
        }

        var node = new Node(item);
        while (true)
        {
            if ((state & (Closed | Waiting)) != 0 || (state & CountMask) >= _capacity)
            {
                return (state & Closed) != 0 ? PostResult.Closed : PostResult.Full;
            }

            var wake = (state & (Scheduled | Suspended)) == 0;
            var next = (state + 1) | (wake ? Scheduled : 0);
            var seen = Interlocked.CompareExchange(ref _state, next, state);
            if (seen == state)
            {
                Push(node);
                return wake ? PostResult.QueuedWake : PostResult.Queued;
            }

            state = seen;
        }
    }

    /// <summary>Posts, or joins the senders who wait for room. The result is false if the mailbox is, or gets, closed.</summary>
    /// <param name="wake">True: the caller must schedule the owner's turn.</param>
    internal ValueTask<bool> PostAsync(T item, IRuntime runtime, CancellationToken cancellationToken, out bool wake)
    {
        wake = false;
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        var result = Post(item);
        if (result == PostResult.Full)
        {
            return WaitAsync(item, runtime, cancellationToken, out wake);
        }

        wake = result == PostResult.QueuedWake;
        return ValueTask.FromResult(result != PostResult.Closed);
    }

    /// <returns>True: the caller must schedule the owner's turn.</returns>
    internal bool PostSystem(SystemItem item)
    {
        var head = Volatile.Read(ref _system);
        while (true)
        {
            item.Next = head;
            var seen = Interlocked.CompareExchange(ref _system, item, head);
            if (ReferenceEquals(seen, head))
            {
                break;
            }

            head = seen;
        }

        return (Interlocked.Or(ref _state, System | Scheduled) & Scheduled) == 0;
    }

    /// <summary>Owner only: all system items so far, oldest first, linked by <see cref="SystemItem.Next"/>.</summary>
    internal SystemItem? TakeSystem()
    {
        Interlocked.And(ref _state, ~System);
        var item = Interlocked.Exchange(ref _system, null);
        SystemItem? oldest = null;
        while (item is not null)
        {
            (item.Next, oldest, item) = (oldest, item, item.Next);
        }

        return oldest;
    }

    /// <summary>Owner only.</summary>
    internal bool TryTake(out T item)
    {
        var node = _batch ?? Refill();
        if (node is null)
        {
            item = default!;
            return false;
        }

        // A handled node must not keep its successors alive: once old, it would drag every later one along.
        (_batch, node.Next) = (node.Next, null);
        item = node.Item;
        _taken++;
        return true;
    }

    /// <summary>Owner only: gives back the places of the messages taken so far and lets waiting senders in.</summary>
    internal void Release()
    {
        if (_taken == 0)
        {
            return;
        }

        var state = Interlocked.Add(ref _state, -_taken);
        _taken = 0;
        if ((state & Waiting) != 0)
        {
            Admit();
        }
    }

    /// <summary>Owner only: gives up the turn. False: there is something to do, and the turn goes on.</summary>
    internal bool TryRest()
    {
        Debug.Assert(_taken == 0, "Places are released before the turn ends.");
        var state = Volatile.Read(ref _state);
        while (true)
        {
            if ((state & System) != 0 || ((state & Suspended) == 0 && (state & CountMask) != 0))
            {
                return false;
            }

            var seen = Interlocked.CompareExchange(ref _state, state & ~Scheduled, state);
            if (seen == state)
            {
                return true;
            }

            state = seen;
        }
    }

    /// <summary>Owner only: user messages wait (but are still accepted) until <see cref="Resume"/>.</summary>
    internal void Suspend() => Interlocked.Or(ref _state, Suspended);

    /// <summary>Owner only.</summary>
    internal void Resume() => Interlocked.And(ref _state, ~Suspended);

    /// <summary>
    /// Owner only: takes no more messages and hands over those that were inside. Senders who wait keep theirs and hear
    /// false.
    /// </summary>
    internal List<T> Close()
    {
        Interlocked.Or(ref _state, Closed);

        // Before any place is released: a waiting sender must not be let in any more.
        Volatile.Read(ref _waiting)?.RejectAll();
        var left = new List<T>();
        while (TryTake(out var item))
        {
            left.Add(item);
        }

        Release();
        return left;
    }

    private void Push(Node node)
    {
        var head = Volatile.Read(ref _inbox);
        while (true)
        {
            node.Next = head;
            var seen = Interlocked.CompareExchange(ref _inbox, node, head);
            if (ReferenceEquals(seen, head))
            {
                return;
            }

            head = seen;
        }
    }

    private Node? Refill()
    {
        if ((Volatile.Read(ref _state) & CountMask) == _taken)
        {
            return null;
        }

        var node = Interlocked.Exchange(ref _inbox, null);
        if (node is null)
        {
            // A sender has its place and is about to push. It may have been preempted, so yield rather than burn.
            var spin = default(SpinWait);
            while ((node = Interlocked.Exchange(ref _inbox, null)) is null)
            {
                spin.SpinOnce(sleep1Threshold: -1);
            }
        }

        Node? oldest = null;
        while (node is not null)
        {
            (node.Next, oldest, node) = (oldest, node, node.Next);
        }

        return oldest;
    }

    private ValueTask<bool> WaitAsync(T item, IRuntime runtime, CancellationToken cancellationToken, out bool wake)
    {
        var senders = Volatile.Read(ref _waiting);
        if (senders is null)
        {
            var fresh = new WaitingSenders<T>();
            senders = Interlocked.CompareExchange(ref _waiting, fresh, null) ?? fresh;
        }

        wake = false;
        WaitingSender<T> sender;
        lock (senders)
        {
            // Under the lock nobody is admitted or leaves, so the Waiting flag and the list cannot disagree.
            var state = Volatile.Read(ref _state);
            while (true)
            {
                if ((state & Closed) != 0)
                {
                    return ValueTask.FromResult(false);
                }

                var free = (state & Waiting) == 0 && (state & CountMask) < _capacity;
                wake = free && (state & (Scheduled | Suspended)) == 0;
                var next = free ? (state + 1) | (wake ? Scheduled : 0) : state | Waiting;
                var seen = Interlocked.CompareExchange(ref _state, next, state);
                if (seen == state)
                {
                    if (free)
                    {
                        Push(new Node(item));
                        return ValueTask.FromResult(true);
                    }

                    break;
                }

                state = seen;
            }

            sender = senders.Add(item, runtime);
        }

        return sender.WaitAsync(cancellationToken);
    }

    private void Admit()
    {
        var senders = _waiting!;
        lock (senders)
        {
            while (senders.First is { } sender)
            {
                // Only the owner frees places and, with the flag up, only this loop fills them.
                if ((Volatile.Read(ref _state) & CountMask) >= _capacity)
                {
                    return;
                }

                senders.Remove(sender);
                Interlocked.Increment(ref _state);
                Push(new Node(sender.Item));
                sender.Finish(accepted: true);
            }

            Interlocked.And(ref _state, ~Waiting);
        }
    }

    private sealed class Node(T item)
    {
        internal readonly T Item = item;
        internal Node? Next;
    }
}
