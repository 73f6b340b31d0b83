using RagCluster.Messages;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Queries;

/// <summary>How queries are expanded with words of what they find.</summary>
public sealed record FeedbackOptions
{
    /// <summary>So many passages are taken to be about what is asked.</summary>
    public int Passages { get; init; } = 5;

    /// <summary>So many of their terms are added.</summary>
    public int Terms { get; init; } = 10;

    /// <summary>The share of the query's own words, from 0 to 1.</summary>
    public double OriginalWeight { get; init; } = 0.8;

    /// <summary>Terms that more than this share of all chunks have are not added.</summary>
    public double MostCommon { get; init; } = 0.1;
}

/// <summary>
/// RM3 (Abdul-Jaleel and others, "UMass at TREC 2004: Novelty and HARD"; Lavrenko, Croft, "Relevance-Based Language Models",
/// 2001): the best passages of a first search are taken to be relevant, the terms that are likely in them are added to the
/// query:
/// <code>
/// P(t|R) = sum over passages d of (tf(t,d) / length(d)) * score(d), over the sum of all
/// weight(t) = original * P(t|query) + (1 - original) * P(t|R)
/// </code>
/// </summary>
public static class RelevanceModel
{
    /// <summary>Shorter and longer terms are not added: they are rarely words.</summary>
    private const int ShortestTerm = 2;
    private const int LongestTerm = 20;

    /// <summary>The terms of the feedback passages, the likeliest first, at most <paramref name="most"/>; their document frequencies are still to be counted.</summary>
    /// <param name="feedback">What the query found by words, best first; more than <see cref="FeedbackOptions.Passages"/> are left out.</param>
    public static IReadOnlyList<ExpandedTerm> Candidates(IReadOnlyList<ScoredPassage> feedback, FeedbackOptions options, int most = 100, Analyzer? analyzer = null)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        ArgumentNullException.ThrowIfNull(options);
        analyzer ??= Analyzer.English;
        var likely = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (var (passage, score) in feedback.Take(options.Passages))
        {
            var (counts, length) = (new Dictionary<string, int>(StringComparer.Ordinal), 0);
            var own = analyzer.For(Field.Body, passage.Text);
            Count(passage.Title);
            Count(passage.Text);
            foreach (var (term, count) in counts)
            {
                likely[term] = likely.GetValueOrDefault(term) + ((double)count / length * score);
            }

            void Count(string text)
            {
                var tokens = own.Analyze(text);
                while (tokens.MoveNext())
                {
                    if (!tokens.IsWhole && tokens.Term.Length is >= ShortestTerm and <= LongestTerm && char.IsLetter(tokens.Term[0]))
                    {
                        var term = tokens.Term.ToString();
                        counts[term] = counts.GetValueOrDefault(term) + 1;
                        length++;
                    }
                }
            }
        }

        return [.. likely.OrderByDescending(pair => pair.Value).ThenBy(pair => pair.Key, StringComparer.Ordinal).Take(most).Select(pair => new ExpandedTerm(pair.Key, pair.Value))];
    }

    /// <summary>The query's words and the candidates that are not too common, weighted; null where there is nothing to add.</summary>
    /// <param name="counted">The statistics of the query's terms and the candidates.</param>
    public static IReadOnlyList<ExpandedTerm>? Expand(Query query, IReadOnlyList<ExpandedTerm> candidates, TermStatistics counted, FeedbackOptions options)
    {
        ArgumentNullException.ThrowIfNull(query);
        ArgumentNullException.ThrowIfNull(candidates);
        ArgumentNullException.ThrowIfNull(counted);
        ArgumentNullException.ThrowIfNull(options);
        var added = candidates
            .Where(term => counted.DocumentFrequency.TryGetValue(term.Term, out var frequency) && frequency > 0 && frequency <= options.MostCommon * counted.Documents)
            .Take(options.Terms).ToList();
        var own = query.Terms.Where(term => term.Field is null).ToList();
        if (added.Count == 0 || own.Count == 0 || own.Count < query.Terms.Count)
        {
            return null;
        }

        var (ownTotal, addedTotal) = (own.Sum(term => (double)term.Count), added.Sum(term => term.Weight));
        var weights = own.ToDictionary(term => term.Term, term => options.OriginalWeight * term.Count / ownTotal, StringComparer.Ordinal);
        foreach (var (term, weight) in added)
        {
            weights[term] = weights.GetValueOrDefault(term) + ((1 - options.OriginalWeight) * weight / addedTotal);
        }

        // Scores stay about where they would be without: the query's own words alone would weigh what they weigh.
        return [.. weights.Select(pair => new ExpandedTerm(pair.Key, pair.Value * ownTotal))];
    }
}
