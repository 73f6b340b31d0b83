namespace RagCluster.Retrieval.Postings;

/// <summary>
/// A segment's terms: a hash table with open addressing that only grows. One writer adds while any number of readers
/// look terms up without a lock; a reader may miss a term that is being added, which no chunk in its snapshot has.
/// </summary>
internal sealed class TermTable
{
    private PostingList?[] _slots = new PostingList?[16];
    private int _count;

    public int Count => Volatile.Read(ref _count);

    public PostingList? Find(ReadOnlySpan<char> term)
    {
        var slots = Volatile.Read(ref _slots);
        return slots[Slot(slots, term, HashOf(term))];
    }

    /// <summary>The term's list, to be appended to.</summary>
    public PostingList FindOrAdd(ReadOnlySpan<char> term)
    {
        var hash = HashOf(term);
        var slot = Slot(_slots, term, hash);
        if (_slots[slot] is { } found)
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
        foreach (var list in Volatile.Read(ref _slots))
        {
            if (list is not null)
            {
                yield return list;
            }
        }
    }

    /// <summary>FNV-1a over UTF-16 code units, with a final mix: the same in every process.</summary>
    public static int HashOf(ReadOnlySpan<char> term)
    {
        var hash = 2166136261u;
        foreach (var c in term)
        {
            hash = (hash ^ c) * 16777619u;
        }

        hash ^= hash >> 15;
        hash *= 0x2C1B3C6Du;
        return (int)(hash ^ (hash >> 12));
    }

    private void AddAt(int slot, PostingList list)
    {
        Volatile.Write(ref _slots[slot], list);
        Volatile.Write(ref _count, _count + 1);
        if (_count * 3 > _slots.Length * 2)
        {
            Grow();
        }
    }

    private void Grow()
    {
        var grown = new PostingList?[_slots.Length * 2];
        foreach (var list in _slots)
        {
            if (list is not null)
            {
                var slot = list.Hash & (grown.Length - 1);
                while (grown[slot] is not null)
                {
                    slot = (slot + 1) & (grown.Length - 1);
                }

                grown[slot] = list;
            }
        }

        Volatile.Write(ref _slots, grown);
    }

    private static int Slot(PostingList?[] slots, ReadOnlySpan<char> term, int hash)
    {
        var slot = hash & (slots.Length - 1);
        while (Volatile.Read(ref slots[slot]) is { } list && !(list.Hash == hash && term.SequenceEqual(list.Term)))
        {
            slot = (slot + 1) & (slots.Length - 1);
        }

        return slot;
    }
}
