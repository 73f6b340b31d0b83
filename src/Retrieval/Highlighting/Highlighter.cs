using RagCluster.Messages.Partitions;
using RagCluster.Messages.Text;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Queries;

namespace RagCluster.Retrieval.Highlighting;

/// <summary>
/// Shows where a text answers a query: the exact places of matching terms, and the sentence worth showing first.
/// The same analysis as the index's decides what matches, so whatever was found by words is highlighted.
/// </summary>
public sealed class Highlighter
{
    private readonly Analyzer _analyzer;
    private readonly IReadOnlyList<TermPattern> _patterns;
    private readonly Dictionary<string, double>.AlternateLookup<ReadOnlySpan<char>> _weights;

    /// <param name="syntax">How the query was read: of one with operators, what prefixes and misspelt words match is shown as well, and what is excluded is not.</param>
    /// <param name="weights">How much each analysed term matters for the choice of a snippet, by its rarity for example; 1 where it is not named.</param>
    public Highlighter(string query, QuerySyntax syntax = QuerySyntax.Plain, Analyzer? analyzer = null, IReadOnlyDictionary<string, double>? weights = null)
    {
        ArgumentNullException.ThrowIfNull(query);
        _analyzer = analyzer ?? Analyzer.Auto;
        var read = QueryReader.Read(query, syntax, _analyzer);
        _patterns = read.Patterns;
        var terms = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var (term, _, _) in read.Terms)
        {
            terms[term] = weights?.GetValueOrDefault(term, 1) ?? 1;
        }

        _weights = terms.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>The places of the query's terms, in order; those that overlap or touch are one.</summary>
    public IReadOnlyList<TextSpan> Matches(ReadOnlySpan<char> text) => Matches(text, _analyzer.For(Field.Body, text));

    private List<TextSpan> Matches(ReadOnlySpan<char> text, Analyzer analyzer)
    {
        var matches = new List<TextSpan>();
        var tokens = analyzer.Analyze(text);
        while (tokens.MoveNext())
        {
            if (!_weights.ContainsKey(tokens.Term) && !IsLike(tokens.Term))
            {
                continue;
            }

            if (matches.Count > 0 && tokens.Start <= matches[^1].End)
            {
                matches[^1] = new TextSpan(Math.Min(matches[^1].Start, tokens.Start), Math.Max(matches[^1].End, tokens.End));
            }
            else
            {
                matches.Add(new TextSpan(tokens.Start, tokens.End));
            }
        }

        return matches;
    }

    /// <summary>
    /// The sentence whose distinct matching terms weigh most, the first of equals; cut at white space around its
    /// matches where it is longer than <paramref name="maxLength"/>. Empty only where the text is blank.
    /// </summary>
    public TextSpan Snippet(ReadOnlySpan<char> text, int maxLength = 240)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxLength);
        var analyzer = _analyzer.For(Field.Body, text);
        var (best, bestWeight) = (default(TextSpan), -1.0);
        foreach (var sentence in SentenceSplitter.Split(text))
        {
            var weight = WeightOf(sentence.Of(text), analyzer);
            if (weight > bestWeight)
            {
                (best, bestWeight) = (sentence, weight);
            }
        }

        return best.Length <= maxLength ? best : Cut(text, best, maxLength, analyzer);
    }

    /// <summary>Whether a prefix or a misspelt word of the query stands for the term.</summary>
    private bool IsLike(ReadOnlySpan<char> term)
    {
        if (_patterns.Count == 0)
        {
            return false;
        }

        var whole = term.ToString();
        return _patterns.Any(pattern => pattern.Matches(whole));
    }

    private double WeightOf(ReadOnlySpan<char> sentence, Analyzer analyzer)
    {
        var weight = 0.0;
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var tokens = analyzer.Analyze(sentence);
        while (tokens.MoveNext())
        {
            if (_weights.TryGetValue(tokens.Term, out var term, out var value) ? seen.Add(term) : IsLike(tokens.Term) && seen.Add(tokens.Term.ToString()))
            {
                weight += term is null ? 1 : value;
            }
        }

        return weight;
    }

    /// <summary>The stretch of at most so many characters that holds most matches, from one word's start to another's end.</summary>
    private TextSpan Cut(ReadOnlySpan<char> text, TextSpan sentence, int maxLength, Analyzer analyzer)
    {
        var matches = Matches(sentence.Of(text), analyzer);
        var (start, most, last) = (0, 0, 0);
        for (var first = 0; first < matches.Count; first++)
        {
            last = Math.Max(last, first);
            while (last < matches.Count && matches[last].End - matches[first].Start <= maxLength)
            {
                last++;
            }

            if (last - first > most)
            {
                // The room that is left over is shared between both sides.
                (most, start) = (last - first, matches[first].Start - ((maxLength - (matches[last - 1].End - matches[first].Start)) / 2));
            }
        }

        start = Math.Clamp(start, 0, sentence.Length - maxLength) + sentence.Start;
        var end = Math.Min(sentence.End, start + maxLength);
        return WholeWords(text, sentence, start, end);
    }

    private static TextSpan WholeWords(ReadOnlySpan<char> text, TextSpan sentence, int start, int end)
    {
        var (from, to) = (start, end);
        while (from > sentence.Start && from < to && !char.IsWhiteSpace(text[from - 1]))
        {
            from++;
        }

        while (to < sentence.End && to > from && !char.IsWhiteSpace(text[to]))
        {
            to--;
        }

        while (from < to && char.IsWhiteSpace(text[from]))
        {
            from++;
        }

        while (to > from && char.IsWhiteSpace(text[to - 1]))
        {
            to--;
        }

        // One endless word: cut it, but not between the halves of a surrogate pair.
        if (from >= to)
        {
            (from, to) = (start, end);
            from += from > sentence.Start && char.IsLowSurrogate(text[from]) ? 1 : 0;
            to -= to < sentence.End && to > from && char.IsHighSurrogate(text[to - 1]) ? 1 : 0;
        }

        return new TextSpan(from, to);
    }
}
