using RagCluster.Retrieval.Analysis;

namespace RagCluster.Retrieval.Postings;

/// <summary>
/// Some terms of a text, read ahead of looking them up. To look a rare term up is to wait for memory three times: for its
/// slot, its list, and its letters. Read ahead, many are waited for at once.
/// </summary>
internal sealed class TermBatch
{
    private const int Size = 128;
    private const int ListAhead = 12;
    private const int TermAhead = 6;

    private readonly char[] _letters = new char[Size * TokenStream.MaxTermLength];
    private readonly Item[] _items = new Item[Size];

    public int Count { get; private set; }

    /// <summary>Takes the next terms; false where there are none left.</summary>
    public bool Fill(scoped ref TokenStream tokens, TermTable terms)
    {
        var (count, at) = (0, 0);
        while (count < Size && tokens.MoveNext())
        {
            var term = tokens.Term;
            var hash = TermTable.HashOf(term);
            terms.FetchSlot(hash);
            term.CopyTo(_letters.AsSpan(at));
            _items[count++] = new Item(at, term.Length, hash, tokens.Position, tokens.IsWhole);
            at += term.Length;
        }

        Count = count;
        for (var i = 0; i < Math.Min(ListAhead, count); i++)
        {
            terms.FetchList(_items[i].Hash);
        }

        return count > 0;
    }

    /// <summary>The list of a term of the batch; in order, for others are fetched ahead.</summary>
    public PostingList ListOf(int number, TermTable terms)
    {
        if (number + ListAhead < Count)
        {
            terms.FetchList(_items[number + ListAhead].Hash);
        }

        if (number + TermAhead < Count)
        {
            terms.FetchTerm(_items[number + TermAhead].Hash);
        }

        ref readonly var item = ref _items[number];
        return terms.FindOrAdd(_letters.AsSpan(item.At, item.Length), item.Hash);
    }

    public int PositionOf(int number) => _items[number].Position;

    public bool IsWhole(int number) => _items[number].IsWhole;

    private readonly record struct Item(int At, int Length, int Hash, int Position, bool IsWhole);
}
