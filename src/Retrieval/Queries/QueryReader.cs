using System.Globalization;
using System.Text;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Queries;

/// <summary>
/// Reads queries. No text is refused: an operator that makes no sense where it stands is text, and says nothing.
/// </summary>
/// <remarks>
/// A query is a row of clauses with white space between them:
/// <code>
/// word              counts for the score
/// "some words"      must stand so, one after the other, in one field; the words count too
/// "some words"~n    must stand in any order within n words more than they are; n from 0 to 100
/// word*             terms that begin so, the 50 most frequent; at least two letters
/// word~ word~n      terms with the same first letter that differ by at most n letters, 1 or 2; at least two letters for each
/// (clauses)         with + or - before it: a passage that meets the clauses with + inside, or one of them where none has +
/// title:clause      counts in that field alone: title, headings or body
/// +clause -clause   must, must not; directly before a letter, a quote or a parenthesis, and after white space
/// </code>
/// Without + a phrase is required all the same, anything else is not. A quote or parenthesis without its partner, a sign
/// before a digit or a space, a field of another name: text. So is everything beyond <see cref="MostClauses"/> clauses and
/// deeper than <see cref="Deepest"/> parentheses.
/// </remarks>
public sealed class QueryReader
{
    /// <summary>Clauses beyond these are words.</summary>
    public const int MostClauses = 64;

    /// <summary>Parentheses within parentheses.</summary>
    public const int Deepest = 8;

    private const int MostSlop = 100;

    private readonly IReadOnlyList<Analyzer> _readers;
    private readonly string _query;
    private readonly List<QueryClause> _terms = [];
    private readonly Dictionary<(string, Field?), int> _places = [];
    private readonly List<TermPattern> _patterns = [];
    private readonly StringBuilder _text = new();
    private int _clauses;

    private QueryReader(string query, Analyzer analyzer) => (_query, _readers) = (query, analyzer.ReadersOf(query));

    private enum Sign
    {
        None,
        Required,
        Excluded,
    }

    /// <summary>What is being read: where it may count, whether it is scored, and how deep it lies.</summary>
    private readonly record struct Place(Field? Field, bool IsScored, int Depth);

    public static Query Read(string query, QuerySyntax syntax, Analyzer? analyzer = null)
    {
        ArgumentNullException.ThrowIfNull(query);
        analyzer ??= Analyzer.English;
        if (syntax == QuerySyntax.Plain)
        {
            return new Query(query, [.. analyzer.AnalyzeQuery(query).Select(term => new QueryClause(term.Term, term.Count, null))], [], null);
        }

        var reader = new QueryReader(query, analyzer);
        var constraint = reader.Clauses(0, query.Length, new Place(null, true, 0), isGroup: false);
        return new Query(reader._text.ToString(), reader._terms, reader._patterns, constraint);
    }

    /// <summary>Reads clauses up to <paramref name="end"/>; what they demand together.</summary>
    /// <param name="isGroup">Whether, where nothing is required, one of the clauses must be met.</param>
    private Constraint? Clauses(int start, int end, Place place, bool isGroup)
    {
        var (required, either, excluded) = (new List<Constraint>(), new List<Constraint>(), new List<Constraint>());
        for (var at = start; at < end;)
        {
            if (char.IsWhiteSpace(_query[at]))
            {
                at++;
                continue;
            }

            var sign = SignAt(at, end);
            var from = sign == Sign.None ? at : at + 1;
            var here = sign == Sign.Excluded ? place with { IsScored = false } : place;
            var demand = Clause(from, end, here, isGroup || sign != Sign.None, out at, out var always);
            if (demand is not null)
            {
                (sign == Sign.Excluded ? excluded : sign == Sign.Required || (always && !isGroup) ? required : either).Add(demand);
            }
        }

        if (isGroup && required.Count == 0 && either.Count > 0)
        {
            required.Add(either.Count == 1 ? either[0] : new Constraint.Any(either));
        }

        required.AddRange(excluded.Select(c => new Constraint.Not(c)));
        return required.Count switch
        {
            0 => null,
            1 => required[0],
            _ => new Constraint.All(required),
        };
    }

    private Sign SignAt(int at, int end)
    {
        var sign = _query[at] switch { '+' => Sign.Required, '-' => Sign.Excluded, _ => Sign.None };
        var meant = sign != Sign.None && at + 1 < end && (char.IsLetter(_query[at + 1]) || _query[at + 1] is '"' or '(')
            && (at == 0 || char.IsWhiteSpace(_query[at - 1]) || _query[at - 1] == '(');
        return meant && _clauses < MostClauses ? sign : Sign.None;
    }

    /// <summary>Reads one clause; what it would demand of a passage, null for nothing.</summary>
    /// <param name="demands">Whether what it demands is wanted at all.</param>
    /// <param name="always">Whether it demands it without a sign.</param>
    private Constraint? Clause(int at, int end, Place place, bool demands, out int next, out bool always)
    {
        always = false;
        if (_clauses < MostClauses)
        {
            (at, place) = FieldAt(at, end, place);
            if (_query[at] == '"' && _query.IndexOf('"', at + 1) is var close && close > 0 && close < end)
            {
                _clauses++;
                always = true;
                return Phrase(at + 1, close, end, place, out next);
            }

            if (_query[at] == '(' && place.Depth < Deepest && Closing(at, end) is var closing and > 0)
            {
                _clauses++;
                next = closing + 1;
                return Clauses(at + 1, closing, place with { Depth = place.Depth + 1 }, demands);
            }
        }

        next = at + 1;
        while (next < end && !char.IsWhiteSpace(_query[next]))
        {
            next++;
        }

        var word = _query[at..next];
        if (_clauses < MostClauses && PatternOf(word, place.Field) is { } pattern)
        {
            _clauses++;
            return Pattern(pattern, word, place);
        }

        _clauses += demands ? 1 : 0;
        return AllOf(Words(word, place), place.Field);
    }

    private (int At, Place Place) FieldAt(int at, int end, Place place)
    {
        var colon = _query.AsSpan(at, Math.Min(end - at, 10)).IndexOf(':');
        if (colon <= 0 || at + colon + 1 >= end || char.IsWhiteSpace(_query[at + colon + 1]))
        {
            return (at, place);
        }

        Field? field = _query[at..(at + colon)] switch
        {
            "title" => Field.Title,
            "headings" or "heading" => Field.Headings,
            "body" or "text" => Field.Body,
            _ => null,
        };
        return field is null ? (at, place) : (at + colon + 1, place with { Field = field });
    }

    private int Closing(int at, int end)
    {
        var (depth, quoted) = (0, false);
        for (var i = at; i < end; i++)
        {
            switch (_query[i])
            {
                case '"':
                    quoted = !quoted;
                    break;
                case '(' when !quoted:
                    depth++;
                    break;
                case ')' when !quoted && --depth == 0:
                    return i;
            }
        }

        return -1;
    }

    private Constraint? Phrase(int start, int close, int end, Place place, out int next)
    {
        next = close + 1;
        int? slop = null;
        if (next < end && _query[next] == '~')
        {
            var digits = next + 1;
            while (digits < end && digits < next + 4 && char.IsAsciiDigit(_query[digits]))
            {
                digits++;
            }

            if (int.TryParse(_query.AsSpan(next + 1, digits - next - 1), CultureInfo.InvariantCulture, out var number) && number <= MostSlop)
            {
                slop = number;
                next = digits;
            }
        }

        var words = Words(_query[start..close], place);
        return AnyOf(words.Where(reading => reading.Count > 0).Select(reading => new Constraint.Phrase(reading, slop, place.Field)));
    }

    private TermPattern? PatternOf(string word, Field? field)
    {
        int? edits = null;
        var length = word.Length - 1;
        if (word.EndsWith('~'))
        {
            edits = 1;
        }
        else if (word.Length > 2 && word[^2] == '~' && word[^1] is '1' or '2')
        {
            edits = word[^1] - '0';
            length--;
        }
        else if (!word.EndsWith('*'))
        {
            return null;
        }

        // One word of letters and digits: anything else would be cut up by the analyzer, and match nothing as a whole.
        var letters = word.AsSpan(0, Math.Max(length, 0));
        var folded = _readers[0].Fold(letters);
        if (folded is null || folded.Length < TermPattern.Shortest * (edits ?? 1))
        {
            return null;
        }

        // The index has stems: those are compared with one, and it is what a beginning must match before it is stemmed.
        return edits is null ? new TermPattern(folded, null, field)
            : Analyzer.Readings(letters, [_readers[0]]) is [[var stem]] ? new TermPattern(Analyzer.Shown(stem.Term), edits, field) : null;
    }

    private Constraint Pattern(TermPattern pattern, string word, Place place)
    {
        if (place.IsScored)
        {
            _patterns.Add(pattern);
        }

        // "policies*" means "policy", too.
        var stems = Words(word.EndsWith('*') ? word[..^1] : word[..word.LastIndexOf('~')], place);
        return AnyOf([new Constraint.Like(pattern), .. stems
            .Where(reading => reading.Count == 1 && !pattern.Matches(reading[0].Term)).Select(reading => new Constraint.Has(reading[0].Term, place.Field))])!;
    }

    /// <summary>The words as any of the readings has them.</summary>
    private static Constraint? AllOf(List<List<(string Term, int Place)>> readings, Field? field) => AnyOf(readings.Where(words => words.Count > 0).Select(words => words.Count switch
    {
        1 => new Constraint.Has(words[0].Term, field),

        // "non-smoker": its parts stand together.
        _ => (Constraint)new Constraint.Phrase(words, null, field),
    }));

    private static Constraint? AnyOf(IEnumerable<Constraint> either)
    {
        List<Constraint> all = [.. either];
        return all.Count switch { 0 => null, 1 => all[0], _ => new Constraint.Any(all) };
    }

    /// <summary>Takes words into the score, if they count; the terms that a phrase of them has, with their places, as each analyzer reads them.</summary>
    private List<List<(string Term, int Place)>> Words(string text, Place place)
    {
        var readings = new List<List<(string Term, int Place)>>(_readers.Count);
        foreach (var reading in Analyzer.Readings(text, _readers))
        {
            foreach (var token in reading.Where(token => token.IsNew && place.IsScored))
            {
                Count(token.Term, place.Field);
            }

            List<(string Term, int Place)> words = [.. reading.Where(token => !token.IsWhole).Select(token => (token.Term, token.Position))];
            if (readings.Count == 0 || !readings.Exists(words.SequenceEqual))
            {
                readings.Add(words);
            }
        }

        if (place.IsScored)
        {
            _text.Append(_text.Length > 0 ? " " : "").Append(text);
        }

        return readings;
    }

    private void Count(string term, Field? field)
    {
        if (_places.TryGetValue((term, field), out var at))
        {
            _terms[at] = _terms[at] with { Count = _terms[at].Count + 1 };
        }
        else if (_terms.Count < Analyzer.MaxQueryTerms)
        {
            _places.Add((term, field), _terms.Count);
            _terms.Add(new QueryClause(term, 1, field));
        }
    }
}
