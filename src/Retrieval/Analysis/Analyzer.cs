using System.Collections.Frozen;
using RagCluster.Retrieval.Analysis.Unicode;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Analysis;

/// <summary>
/// Turns text into terms: words as Unicode segments them (UAX #29), folded (case, compatibility forms, diacritics),
/// stop words left out, stemmed. Codes, amounts, dates and addresses are kept whole and come by part as well.
/// Immutable and thread-safe; the same text gives the same terms in every process and release that shares the
/// <see cref="Id"/>.
/// </summary>
/// <remarks>
/// Some analyzers are made of others: <see cref="Auto"/> reads each text in its language, <see cref="PerField"/> each field
/// by its own. German stems end in a mark of their own, so that they never meet stems of English ("times", "Tim"); what is
/// not stemmed, such as names in languages without a stemmer here, numbers and codes, is the same in all. A query is read by all analyzers
/// that a text may have been read by (<see cref="AnalyzeQuery"/>).
/// </remarks>
public sealed class Analyzer
{
    /// <summary>A query is read up to this many distinct terms: nobody types more, and the work per query stays bounded.</summary>
    public const int MaxQueryTerms = 512;

    /// <summary>Ends the German stems.</summary>
    internal const char GermanMark = '\u0002';

    /// <summary>What the function words of a query must have together: fewer than of a text, as queries are short.</summary>
    private const double LeastOfQuery = 0.75;

    private static int s_leaves;

    /// <summary>Of French and Italian.</summary>
    private static readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> Elided =
        new[] { "c", "d", "j", "l", "m", "n", "s", "t", "qu", "un", "all", "dall", "dell", "nell", "sull", "quell", "quest" }
            .ToFrozenSet(StringComparer.Ordinal).GetAlternateLookup<ReadOnlySpan<char>>();

    private readonly FrozenSet<string>.AlternateLookup<ReadOnlySpan<char>> _stopWords;
    private readonly Language _stemmer;
    private readonly Kind _kind;
    private readonly PerField<Analyzer>? _fields;

    private Analyzer(string id, FrozenSet<string> stopWords, Language stemmer)
    {
        Id = id;
        Number = s_leaves++;
        _stemmer = stemmer;
        _stopWords = stopWords.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    private Analyzer(string id, Kind kind, PerField<Analyzer>? fields)
    {
        Id = id;
        _kind = kind;
        _fields = fields;
    }

    private enum Kind
    {
        One,
        Auto,
        PerField,
    }

    /// <summary>The analyzer of English text, and of text whose language is not known.</summary>
    public static Analyzer English { get; } = new("english-1", StopWords.English, Language.English);

    public static Analyzer German { get; } = new("german-1", FunctionWords.Of(Language.German), Language.German);

    /// <summary>Words as they are, folded: for languages without a stemmer here.</summary>
    public static Analyzer Simple { get; } = new("simple-1", FrozenSet<string>.Empty, Language.Unknown);

    /// <summary>English, German, and for other languages <see cref="Simple"/> without their function words; what is in no known language is read as English.</summary>
    public static Analyzer Auto { get; } = new($"auto-1({LanguageDetector.Id},english-1,german-1,simple-1)", Kind.Auto, null);

    /// <summary>By language, those that <see cref="Auto"/> chooses from.</summary>
    private static readonly Analyzer[] ByLanguage = [.. Enum.GetValues<Language>().Select(language => language switch
    {
        Language.Unknown or Language.English => English,
        Language.German => German,
        Language.Other => Simple,
        _ => new Analyzer($"simple-1-{language}", FunctionWords.Of(language), Language.Unknown),
    })];

    /// <summary>Names the exact algorithm and is recorded in segments: terms made by different analyzers do not mix.</summary>
    public string Id { get; }

    /// <summary>Of those that read words themselves, from 0.</summary>
    internal int Number { get; }

    /// <summary>How many analyzers read words themselves.</summary>
    internal static int Leaves => s_leaves;

    /// <summary>Reads each field by an analyzer of its own.</summary>
    public static Analyzer PerField(Analyzer body, Analyzer title, Analyzer headings)
    {
        ArgumentNullException.ThrowIfNull(body);
        ArgumentNullException.ThrowIfNull(title);
        ArgumentNullException.ThrowIfNull(headings);
        return body == title && title == headings ? body
            : new Analyzer($"body={body.Id};title={title.Id};headings={headings.Id}", Kind.PerField, new PerField<Analyzer>(body, title, headings));
    }

    /// <summary>The analyzer that reads a field of a chunk.</summary>
    /// <param name="text">The chunk's text: its title and headings are taken to be of the same language.</param>
    public Analyzer For(Field field, ReadOnlySpan<char> text) => _kind switch
    {
        Kind.Auto => ByLanguage[(int)LanguageDetector.Detect(text)],
        Kind.PerField => (field switch { Field.Body => _fields!.Value.Body, Field.Title => _fields!.Value.Title, _ => _fields!.Value.Headings }).For(field, text),
        _ => this,
    };

    /// <summary>The tokens of <paramref name="text"/>, which is a chunk's, in order; nothing is allocated.</summary>
    public TokenStream Analyze(ReadOnlySpan<char> text) => new(For(Field.Body, text), text);

    /// <summary>
    /// The distinct terms of a query in order of first appearance, each with the number of times it is asked for; first those of the query's
    /// own language, then those that its words have where texts are read otherwise. Words that say nothing in the query's language are
    /// searched for in none.
    /// </summary>
    public IReadOnlyList<QueryTerm> AnalyzeQuery(ReadOnlySpan<char> query)
    {
        var terms = new List<QueryTerm>();
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var token in Readings(query, ReadersOf(query)).SelectMany(reading => reading).Where(token => token.IsNew))
        {
            if (places.TryGetValue(token.Term, out var place))
            {
                terms[place] = terms[place] with { Count = terms[place].Count + 1 };
            }
            else if (terms.Count < MaxQueryTerms)
            {
                places[token.Term] = terms.Count;
                terms.Add(new QueryTerm(token.Term, 1));
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

    /// <summary>A term as people may see it.</summary>
    public static string Shown(string term)
    {
        ArgumentNullException.ThrowIfNull(term);
        return term.TrimEnd(GermanMark);
    }

    internal bool IsStopWord(ReadOnlySpan<char> folded) => _stopWords.Contains(folded);

    /// <summary>How many letters of a word are an article or the like that lost its vowel: "l'" of "l'assure". English and German have none.</summary>
    internal int Elision(ReadOnlySpan<char> folded) =>
        _stemmer == Language.Unknown && folded.IndexOf('\'') is var at and > 0 && at + 1 < folded.Length && Elided.Contains(folded[..at]) ? at + 1 : 0;

    /// <summary>Stems the first <paramref name="length"/> characters of the buffer, which has room for a mark, and gives the new length.</summary>
    internal int Stem(Span<char> buffer, int length)
    {
        switch (_stemmer)
        {
            case Language.English:
                return Porter2Stemmer.Stem(buffer[..length]);
            case Language.German:
                length = Math.Min(GermanStemmer.Stem(buffer[..length]), buffer.Length - 1);
                buffer[length] = GermanMark;
                return length + 1;
            default:
                return length;
        }
    }

    /// <summary>The analyzers to read a query by, that of its own language first.</summary>
    internal IReadOnlyList<Analyzer> ReadersOf(ReadOnlySpan<char> query)
    {
        if (_kind == Kind.One)
        {
            return [this];
        }

        var language = LanguageDetector.Detect(query, LeastOfQuery);
        var own = _kind == Kind.Auto ? [ByLanguage[(int)language], English, German, Simple]
            : new[] { _fields!.Value.Body, _fields.Value.Title, _fields.Value.Headings }.SelectMany(field => field._kind == Kind.One ? [field] : new[] { ByLanguage[(int)language], English, German, Simple });
        return [.. own.Distinct()];
    }

    /// <summary>A query, or a part of one, as each of the analyzers reads it. What the first leaves out as a stop word, the others do, too.</summary>
    internal static List<List<QueryToken>> Readings(ReadOnlySpan<char> text, IReadOnlyList<Analyzer> readers)
    {
        var readings = new List<List<QueryToken>>(readers.Count);
        var known = new HashSet<(int, string)>();
        foreach (var reader in readers)
        {
            var reading = new List<QueryToken>();
            var tokens = new TokenStream(reader, text);
            while (tokens.MoveNext() && reading.Count < MostTokens)
            {
                if (reader != readers[0] && !tokens.IsWhole && readers[0].Fold(text[tokens.Start..tokens.End]) is { } word && readers[0].IsStopWord(word))
                {
                    continue;
                }

                var term = tokens.Term.ToString();
                reading.Add(new QueryToken(term, tokens.Position, tokens.IsWhole, known.Add((tokens.Start, term)) || reader == readers[0]));
            }

            readings.Add(reading);
        }

        return readings;
    }

    /// <summary>Of a text that is pasted for a query, as much is read.</summary>
    private const int MostTokens = 100_000;
}

/// <summary>A word of a query as an analyzer reads it.</summary>
/// <param name="Position">Counts words from 0, those that are left out included.</param>
/// <param name="IsWhole">Whether it is a compound whose parts follow.</param>
/// <param name="IsNew">Whether no analyzer before reads the same word so.</param>
internal readonly record struct QueryToken(string Term, int Position, bool IsWhole, bool IsNew);

/// <param name="Count">How often the query has it.</param>
public readonly record struct QueryTerm(string Term, int Count);
