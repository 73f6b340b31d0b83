using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Postings;
using RagCluster.Retrieval.Queries;

namespace RagCluster.Retrieval.Index;

/// <summary>Works out which chunks of a view meet what a query demands.</summary>
internal sealed class ConstraintFilter(SegmentView view, TermStatistics global)
{
    private readonly int _words = Bitmap.WordsFor(view.Count);

    /// <param name="within">The chunks that matter: what is said of others means nothing.</param>
    public ulong[] Of(Constraint constraint, ulong[] within)
    {
        switch (constraint)
        {
            case Constraint.Has has:
                return Having([has.Term], has.Field);
            case Constraint.Like like:
                return Having(Expansions.Of(like.Pattern, global), like.Pattern.Field);
            case Constraint.Phrase phrase:
                return Of(phrase, within);
            case Constraint.Not not:
                var others = Bitmap.Full(view.Count);
                Bitmap.Remove(others, Of(not.Of, within));
                return others;
            case Constraint.All all:
                var left = within.AsSpan().ToArray();
                foreach (var part in all.Of)
                {
                    Bitmap.And(left, Of(part, left));
                }

                return left;
            case Constraint.Any any:
                var either = new ulong[_words];
                foreach (var part in any.Of)
                {
                    Bitmap.Or(either, Of(part, within));
                }

                return either;
            default:
                throw new ArgumentException($"A filter knows nothing of {constraint.GetType().Name}.", nameof(constraint));
        }
    }

    private ulong[] Having(IReadOnlyList<string> terms, Field? field)
    {
        var bits = new ulong[_words];
        foreach (var term in terms)
        {
            view.Postings(term)?.AddTo(bits, field);
        }

        return bits;
    }

    private ulong[] Of(Constraint.Phrase phrase, ulong[] within)
    {
        var candidates = within.AsSpan().ToArray();
        var readers = new Dictionary<string, PositionReader>(StringComparer.Ordinal);
        foreach (var (term, _) in phrase.Words)
        {
            if (readers.ContainsKey(term))
            {
                continue;
            }

            if (view.Postings(term) is not { } postings)
            {
                return new ulong[_words];
            }

            var having = new ulong[_words];
            postings.AddTo(having, phrase.Field);
            Bitmap.And(candidates, having);
            readers.Add(term, postings.Positions());
        }

        if (phrase.Words.Count == 1)
        {
            return candidates;
        }

        var match = new PhraseMatch(phrase, readers);
        for (var word = 0; word < candidates.Length; word++)
        {
            for (var rest = candidates[word]; rest != 0; rest &= rest - 1)
            {
                var chunk = (word << 6) + System.Numerics.BitOperations.TrailingZeroCount(rest);
                if (!match.IsIn(chunk))
                {
                    candidates[word] &= ~(1UL << chunk);
                }
            }
        }

        return candidates;
    }
}
