using RagCluster.Retrieval.Postings;
using RagCluster.Retrieval.Queries;

namespace RagCluster.Retrieval.Index;

/// <summary>Looks for a phrase in chunks that have all of its terms, one after the other in rising order.</summary>
internal sealed class PhraseMatch
{
    private static readonly Field[] s_fields = [Field.Body, Field.Title, Field.Headings];

    private readonly (PositionReader Reader, int Place)[] _words;
    private readonly PositionReader[] _distinct;
    private readonly int[] _needed;
    private readonly int[] _seen;
    private readonly List<(int Position, int Term)> _merged = [];
    private readonly int? _span;
    private readonly Field? _field;

    public PhraseMatch(Constraint.Phrase phrase, IReadOnlyDictionary<string, PositionReader> readers)
    {
        var first = phrase.Words[0].Place;
        _words = [.. phrase.Words.Select(word => (readers[word.Term], word.Place - first))];
        _distinct = [.. _words.Select(word => word.Reader).Distinct()];
        _needed = Array.ConvertAll(_distinct, reader => _words.Count(word => word.Reader == reader));
        _seen = new int[_distinct.Length];
        _span = phrase.Slop is { } slop ? phrase.Words[^1].Place - first + 1 + slop : null;
        _field = phrase.Field;
    }

    public bool IsIn(int chunk)
    {
        foreach (var reader in _distinct)
        {
            if (!reader.MoveTo(chunk))
            {
                return false;
            }
        }

        foreach (var field in s_fields)
        {
            if ((_field is null || field == _field) && (_span is { } span ? IsNear(field, span) : IsExact(field)))
            {
                return true;
            }
        }

        return false;
    }

    private bool IsExact(Field field)
    {
        foreach (var start in _words[0].Reader.In(field))
        {
            var all = true;
            for (var i = 1; i < _words.Length && all; i++)
            {
                all = _words[i].Reader.In(field).BinarySearch(start + _words[i].Place) >= 0;
            }

            if (all)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether some stretch of so many words has every term as often as the phrase has it.</summary>
    private bool IsNear(Field field, int span)
    {
        _merged.Clear();
        for (var term = 0; term < _distinct.Length; term++)
        {
            foreach (var position in _distinct[term].In(field))
            {
                _merged.Add((position, term));
            }
        }

        _merged.Sort();
        Array.Clear(_seen);
        var (missing, begin) = (_needed.Sum(), 0);
        foreach (var (position, term) in _merged)
        {
            missing -= _seen[term]++ < _needed[term] ? 1 : 0;
            for (; position - _merged[begin].Position >= span; begin++)
            {
                missing += --_seen[_merged[begin].Term] < _needed[_merged[begin].Term] ? 1 : 0;
            }

            if (missing == 0)
            {
                return true;
            }
        }

        return false;
    }
}
