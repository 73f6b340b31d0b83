using System.Diagnostics;
using RagCluster.Actors.Search;
using RagCluster.Messages;
using RagCluster.Nodes.Benchmarks;
using RagCluster.Retrieval.Evaluation;

namespace RagCluster.Nodes.Evaluation;

/// <summary>A query with judged documents.</summary>
internal sealed record TestQuery(string Id, string Text);

/// <summary>A folder of corpus.jsonl, queries.jsonl and qrels.tsv.</summary>
internal sealed record RetrievalSet(string Name, TestCorpus Corpus, IReadOnlyList<TestQuery> Queries, Judgments Judgments)
{
    /// <param name="where">Take the queries alone whose line has this property with this value; null for all.</param>
    /// <exception cref="InvalidDataException">A file is missing or not as it should be, or no query has a relevant document.</exception>
    public static RetrievalSet Read(string folder, (string Name, string Value)? where)
    {
        var queries = JsonLines.Read(Path.Combine(folder, "queries.jsonl")).Select(line => (Line: line, Query: new TestQuery(line.Text("id", "_id"), line.Text("text", "question")))).ToList();
        JsonLines.RequireDistinct(queries.Select(q => (q.Query.Id, q.Line)));
        var judgments = Judgments.Read(Path.Combine(folder, "qrels.tsv"));
        var asked = queries
            .Where(q => judgments.HasRelevant(q.Query.Id) && (where is not { } w || string.Equals(q.Line.Find(w.Name), w.Value, StringComparison.Ordinal)))
            .Select(q => q.Query)
            .ToList();
        return asked.Count > 0
            ? new RetrievalSet(Path.GetFileName(Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar)), TestCorpus.Read(Path.Combine(folder, "corpus.jsonl")), asked, judgments)
            : throw new InvalidDataException(
                $"No query of {Path.Combine(folder, "queries.jsonl")}{(where is { } f ? $" with {f.Name}={f.Value}" : "")} has a relevant document in qrels.tsv. Are the ids the same in both?");
    }
}

/// <summary>
/// Measures search against judgments. A ranking of documents is made from passages: a document stands where its best
/// passage stands. The first documents are those of a search as users make it; as that gathers few candidates, those
/// of a deep search follow, so that recall and average precision see further than users do.
/// </summary>
internal sealed class RetrievalEvaluation(RetrievalSet set, SearchMode mode, EvaluationProgress progress)
{
    /// <summary>Passages of the deep search; as many as TREC's runs have documents.</summary>
    private const int Depth = 1000;

    /// <summary>Searches before the clock counts: the first ones of a process are slow.</summary>
    private const int WarmUps = 30;

    private static readonly Measure[] s_means =
    [
        new("map", "mean average precision"),
        new("ndcg10", "nDCG of the first 10 documents, linear gain"),
        new("mrr10", "mean reciprocal rank of the first relevant one among 10"),
        new("recall100", "share of the relevant documents among the first 100"),
        new("top1", "queries whose first document is relevant"),
    ];

    /// <summary>The documents for each query, best first; known after <see cref="RunAsync"/>.</summary>
    public IReadOnlyList<(string Query, IReadOnlyList<string> Documents)> Rankings { get; private set; } = [];

    public async Task<EvaluationResult> RunAsync(EvaluationNode node, CancellationToken cancellationToken)
    {
        var at = TimeProvider.System.GetUtcNow();
        Warn();
        var taken = await node.TakeInAsync(set.Corpus, progress, cancellationToken);
        var times = new double[set.Queries.Count];
        Rankings = await progress.ShowAsync("Searching", moved => SearchAsync(node, times, moved, cancellationToken));
        var queries = Rankings.Select(r => Measured(r.Query, r.Documents)).ToList();
        Array.Sort(times);
        var settings = node.Settings;
        settings["mode"] = mode.ToString().ToLowerInvariant();
        return new EvaluationResult(
            "retrieval",
            set.Name,
            at,
            settings,
            [
                (new Measure("docs", "documents that were taken in", "0"), taken.Documents),
                (new Measure("chunks", "chunks that they were cut into", "0"), taken.Chunks),
                (new Measure("queries", "queries with a relevant document", "0"), queries.Count),
                (new Measure("ingestSeconds", "until all documents could be found", "0.0"), taken.Seconds),
                .. s_means.Select(m => (m, EvaluationResult.Mean(queries, m.Name)!.Value)),
                (new Measure("p50Ms", "time of a search, median", "0.00"), Quantiles.OfSorted(times, 0.5)),
                (new Measure("p99Ms", "time of a search, 99 % are faster", "0.00"), Quantiles.OfSorted(times, 0.99)),
            ],
            queries) { FailedDocuments = taken.Failed };
    }

    /// <summary>Documents in the order of their best passages.</summary>
    internal static IReadOnlyList<string> RollUp(IEnumerable<ScoredPassage> passages, Func<DocumentId, string> idOf) =>
        [.. passages.Select(p => p.Passage.Document).Distinct().Select(idOf)];

    private async Task<IReadOnlyList<(string Query, IReadOnlyList<string> Documents)>> SearchAsync(
        EvaluationNode node, double[] times, Action<int, int> moved, CancellationToken cancellationToken)
    {
        foreach (var query in set.Queries.Take(WarmUps))
        {
            await node.SearchAsync(query.Text, mode, node.Candidates, cancellationToken);
        }

        var rankings = new List<(string Query, IReadOnlyList<string> Documents)>(set.Queries.Count);
        for (var i = 0; i < set.Queries.Count; i++)
        {
            var query = set.Queries[i];
            var start = Stopwatch.GetTimestamp();
            var first = await node.SearchAsync(query.Text, mode, node.Candidates, cancellationToken);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            var further = await node.SearchAsync(query.Text, mode, Depth, cancellationToken);
            rankings.Add((query.Id, RollUp(first.Concat(further), id => set.Corpus.Of(id).Id)));
            moved(i + 1, set.Queries.Count);
        }

        return rankings;
    }

    private MeasuredQuery Measured(string query, IReadOnlyList<string> ranking)
    {
        var judged = set.Judgments.Of(query);
        return new MeasuredQuery(query, new Dictionary<string, double>
        {
            ["map"] = RetrievalMetrics.AveragePrecision(ranking, judged),
            ["ndcg10"] = RetrievalMetrics.Ndcg(ranking, judged, 10),
            ["mrr10"] = RetrievalMetrics.ReciprocalRank(ranking, judged, 10),
            ["recall100"] = RetrievalMetrics.Recall(ranking, judged, 100),
            ["top1"] = RetrievalMetrics.ReciprocalRank(ranking, judged, 1),
        });
    }

    private void Warn()
    {
        if (set.Corpus.Empty > 0)
        {
            progress.Warn($"{set.Corpus.Empty} documents have neither title nor text and are left out.");
        }

        var known = set.Corpus.Documents.Select(d => d.Id).ToHashSet(StringComparer.Ordinal);
        var strangers = set.Judgments.Documents.Count(d => !known.Contains(d));
        if (strangers > 0)
        {
            progress.Warn($"{strangers} judged documents are not in the corpus; they count as not found.");
        }
    }
}
