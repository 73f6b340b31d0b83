using RagCluster.Messages;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Fusion;

/// <summary>How a query's terms stand to each other in a passage, as shares of the weight of the whole query: 0 where no two of them are near.</summary>
/// <param name="Order">Of the pairs that follow each other in the query, those that do so in the passage, with at most one word between.</param>
/// <param name="Nearness">Of all pairs, those within a few words of each other, each by the square root of the least distance.</param>
public readonly record struct Proximity(double Order, double Nearness);

/// <summary>
/// Reads how near the terms of one query stand to each other: what single terms cannot say. A pair weighs what the
/// commoner of its two terms does (idf), after the ordered and unordered windows of the sequential dependence model
/// (Metzler, Croft, "A Markov Random Field Model for Term Dependencies", 2005). A pair counts once in a passage.
/// </summary>
public sealed class QueryProximity
{
    /// <summary>In words; farther apart, two terms say nothing of each other.</summary>
    private const int Window = 8;

    /// <summary>A query's further terms are not looked at: pairs grow with the square.</summary>
    private const int MostTerms = 64;

    private const int Adjacent = 2;

    private readonly Analyzer _analyzer;
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _places;
    private readonly List<double> _weights = [];
    private readonly double _total;

    /// <param name="global">The statistics of the query's terms; those that occur nowhere weigh nothing.</param>
    public QueryProximity(string query, TermStatistics global, Analyzer? analyzer = null)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(global);
        _analyzer = analyzer ?? Analyzer.English;
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        var readings = Analyzer.Readings(query, _analyzer.ReadersOf(query));
        var words = new Dictionary<int, int>();
        foreach (var (term, position, _, _) in readings.SelectMany(reading => reading).Where(token => !token.IsWhole))
        {
            // However a word is read, it is one word, as rare as its commonest reading.
            if (!places.TryGetValue(term, out var word))
            {
                if (!words.TryGetValue(position, out word))
                {
                    if (_weights.Count == MostTerms)
                    {
                        continue;
                    }

                    word = _weights.Count;
                    _weights.Add(0);
                }

                places.Add(term, word);
            }

            words.TryAdd(position, word);
            var frequency = global.DocumentFrequency.GetValueOrDefault(term);
            var weight = frequency == 0 ? 0 : Math.Log(1 + ((Math.Max(global.Documents, frequency) - frequency + 0.5) / (frequency + 0.5)));
            _weights[word] = _weights[word] == 0 ? weight : weight == 0 ? _weights[word] : Math.Min(weight, _weights[word]);
        }

        _places = places.GetAlternateLookup<ReadOnlySpan<char>>();
        _total = _weights.Sum();
    }

    public Proximity Of(Passage passage)
    {
        ArgumentNullException.ThrowIfNull(passage);
        if (_weights.Count < 2 || _total <= 0)
        {
            return default;
        }

        var count = _weights.Count;
        var least = new int[count * count];
        var ordered = new bool[count];
        var own = _analyzer.For(Field.Body, passage.Text);
        Read(own, passage.Title, least, ordered);
        Read(own, passage.Text, least, ordered);

        var (order, nearness) = (0.0, 0.0);
        for (var first = 0; first < count; first++)
        {
            if (first + 1 < count && ordered[first])
            {
                order += Math.Min(_weights[first], _weights[first + 1]);
            }

            for (var second = first + 1; second < count; second++)
            {
                if (least[(first * count) + second] is var distance and > 0)
                {
                    nearness += Math.Min(_weights[first], _weights[second]) / Math.Sqrt(distance);
                }
            }
        }

        return new Proximity(order / _total, nearness / _total);
    }

    /// <summary>Notes of each pair the least distance, and of each term whether the query's next one follows it.</summary>
    private void Read(Analyzer own, string text, int[] least, bool[] ordered)
    {
        Span<(int Position, int Term)> recent = stackalloc (int, int)[Window];
        var seen = 0;
        var tokens = own.Analyze(text);
        while (tokens.MoveNext())
        {
            if (tokens.IsWhole || !_places.TryGetValue(tokens.Term, out var term))
            {
                continue;
            }

            for (var back = 1; back <= Math.Min(seen, Window); back++)
            {
                var (position, other) = recent[(seen - back) % Window];
                var distance = tokens.Position - position;
                if (distance > Window)
                {
                    break;
                }

                if (other == term)
                {
                    continue;
                }

                ref var nearest = ref least[(Math.Min(term, other) * _weights.Count) + Math.Max(term, other)];
                nearest = nearest == 0 ? Math.Max(distance, 1) : Math.Min(nearest, Math.Max(distance, 1));
                ordered[other] |= term == other + 1 && distance <= Adjacent;
            }

            recent[seen++ % Window] = (tokens.Position, term);
        }
    }
}
