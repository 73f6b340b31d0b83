using System.Collections.Frozen;
using RagCluster.Retrieval.Analysis.Unicode;

namespace RagCluster.Retrieval.Analysis;

/// <summary>
/// Turns text into terms: words as Unicode segments them (UAX #29), folded (case, compatibility forms, diacritics),
/// stop words left out, stemmed. Codes, amounts, dates and addresses are kept whole and come by part as well.
/// Immutable and thread-safe; the same text gives the same terms in every process and release that shares the
/// <see cref="Id"/>.
/// </summary>
public sealed class Analyzer
{
    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _stopWords;

    private Analyzer(string id, FrozenSet<string> stopWords)
    {
        Id = id;
        _stopWords = stopWords.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>The analyzer of English text, and for now of every text.</summary>
    public static Analyzer English { get; } = new("english-1", StopWords.English);

    /// <summary>Names the exact algorithm and is recorded in segments: terms made by different analyzers do not mix.</summary>
    public string Id { get; }

    /// <summary>The tokens of <paramref name="text"/> in order; nothing is allocated.</summary>
    public TokenStream Analyze(ReadOnlySpan<char> text) => new(this, text);

    /// <summary>The distinct terms of a query in order of first appearance, each with the number of times it is asked for.</summary>
    public IReadOnlyList<QueryTerm> AnalyzeQuery(ReadOnlySpan<char> query)
    {
        var terms = new List<QueryTerm>();
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        var lookup = places.GetAlternateLookup<ReadOnlySpan<char>>();
        var tokens = Analyze(query);
        while (tokens.MoveNext())
        {
            if (lookup.TryGetValue(tokens.Term, out var place))
            {
                terms[place] = terms[place] with { Count = terms[place].Count + 1 };
            }
            else
            {
                lookup[tokens.Term] = terms.Count;
                terms.Add(new QueryTerm(tokens.Term.ToString(), 1));
                if (terms.Count == MaxQueryTerms)
                {
                    break;
                }
            }
        }

        return terms;
    }

    /// <summary>The word as terms are folded, but whole and not stemmed; null where it is not one word of letters and digits.</summary>
    public string? Fold(ReadOnlySpan<char> word)
    {
        Span<char> folded = stackalloc char[TokenStream.MaxTermLength];
        var length = 0;
        foreach (var c in word)
        {
            if (CharacterTables.IsFoldedAway(c))
            {
                continue;
            }

            if (!char.IsLetterOrDigit(c) && !char.IsSurrogate(c))
            {
                return null;
            }

            foreach (var f in CharacterTables.FoldOf(c) ?? char.ToLowerInvariant(c).ToString())
            {
                if (length == folded.Length)
                {
                    return null;
                }

                folded[length++] = f;
            }
        }

        return length == 0 ? null : new string(folded[..length]);
    }

    /// <summary>A query is read up to this many distinct terms: nobody types more, and the work per query stays bounded.</summary>
    public const int MaxQueryTerms = 512;

    internal bool IsStopWord(ReadOnlySpan<char> folded) => _stopWords.Contains(folded);
}

/// <param name="Count">How often the query has it.</param>
public readonly record struct QueryTerm(string Term, int Count);
