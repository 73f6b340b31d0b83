using System.Runtime.CompilerServices;

namespace RagCluster.Retrieval.Postings;

/// <summary>
/// A segment's terms: a hash table with open addressing that only grows. One writer adds while any number of readers
/// look terms up without a lock; a reader may miss a term that is being added, which no chunk in its snapshot has.
/// </summary>
internal sealed class TermTable
{
    private Place[] _slots = new Place[16];
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public PostingList? Find(ReadOnlySpan<char> term)
    {
        var slots = Volatile.Read(ref _slots);
        return slots[Slot(slots, term, HashOf(term))].List;
    }

    /// <summary>The term's list, to be appended to.</summary>
    public PostingList FindOrAdd(ReadOnlySpan<char> term) => FindOrAdd(term, HashOf(term));

    /// <inheritdoc cref="FindOrAdd(ReadOnlySpan{char})"/>
    public PostingList FindOrAdd(ReadOnlySpan<char> term, int hash)
    {
        var slot = Slot(_slots, term, hash);
        if (_slots[slot].List is { } found)
        {
            return found;
        }

        var list = new PostingList(term.ToString(), hash, _count);
        AddAt(slot, list);
        return list;
    }

    /// <summary>All lists, in no particular order.</summary>
    public IEnumerable<PostingList> All()
    {
        foreach (var place in Volatile.Read(ref _slots))
        {
            if (place.List is { } list)
            {
                yield return list;
            }
        }
    }

    /// <summary>Begins to read where a term of this hash is looked for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void FetchSlot(int hash) => Fetch.Address(ref _slots[hash & (_slots.Length - 1)]);

    /// <summary>Begins to read what is likely to be the list of a term of this hash.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void FetchList(int hash)
    {
        ref var place = ref _slots[hash & (_slots.Length - 1)];
        if (place.Hash == hash)
        {
            Fetch.Object(place.List);
        }
    }

    /// <summary>And the list's term, once the list is there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void FetchTerm(int hash)
    {
        ref var place = ref _slots[hash & (_slots.Length - 1)];
        if (place.Hash == hash)
        {
            Fetch.Object(place.List?.Term);
        }
    }

    public static int HashOf(ReadOnlySpan<char> term) => (int)TermBytes.HashOf(System.Runtime.InteropServices.MemoryMarshal.AsBytes(term));

    private void AddAt(int slot, PostingList list)
    {
        _slots[slot].Hash = list.Hash;
        Volatile.Write(ref _slots[slot].List, list);
        Volatile.Write(ref _count, _count + 1);
        if (_count * 3 > _slots.Length * 2)
        {
            Grow();
        }
    }

    private void Grow()
    {
        var grown = new Place[_slots.Length * 2];
        foreach (var place in _slots)
        {
            if (place.List is not null)
            {
                var slot = place.Hash & (grown.Length - 1);
                while (grown[slot].List is not null)
                {
                    slot = (slot + 1) & (grown.Length - 1);
                }

                grown[slot] = place;
            }
        }

        Volatile.Write(ref _slots, grown);
    }

    private static int Slot(Place[] slots, ReadOnlySpan<char> term, int hash)
    {
        var slot = hash & (slots.Length - 1);
        while (Volatile.Read(ref slots[slot].List) is { } list && !(slots[slot].Hash == hash && term.SequenceEqual(list.Term)))
        {
            slot = (slot + 1) & (slots.Length - 1);
        }

        return slot;
    }

    /// <summary>The hash is written first and stands beside the list, so that a term that is another one is passed without a look at it.</summary>
    private struct Place
    {
        public int Hash;
        public PostingList? List;
    }
}
