using System.Globalization;
using System.Text.Json;
using RagCluster.Retrieval.Evaluation;
using RagCluster.Retrieval.Fusion;

namespace RagCluster.Nodes.Evaluation;

/// <summary>Fits the weights of hybrid search to the judgments of a collection, and says by held-out queries what that is worth.</summary>
internal sealed class FitEvaluation(RetrievalSet set, int folds, EvaluationProgress progress)
{
    /// <summary>Of more queries every so-maniest is taken: what is known of their candidates is kept in memory.</summary>
    private const int MostQueries = 500;

    private const int Depth = 10;

    public async Task<FitResult> RunAsync(EvaluationNode node, CancellationToken cancellationToken)
    {
        if (set.Queries.Count < folds * 2)
        {
            throw new InvalidDataException($"To fit weights in {folds} folds takes {folds * 2} queries with a relevant document; there are {set.Queries.Count}.");
        }

        await node.TakeInAsync(set.Corpus, progress, cancellationToken);
        var step = (set.Queries.Count + MostQueries - 1) / MostQueries;
        var queries = set.Queries.Where((_, i) => i % step == 0).ToList();
        if (step > 1)
        {
            progress.Warn($"{queries.Count} of the {set.Queries.Count} queries are used.");
        }

        var known = await progress.ShowAsync("Searching", async moved =>
        {
            var all = new List<EvidenceFusion>(queries.Count);
            foreach (var query in queries)
            {
                all.Add(await node.EvidenceAsync(query.Text, cancellationToken)
                    ?? throw new InvalidDataException("The weights are those of retrieval.fusion = scores; with ranks there is nothing to fit."));
                moved(all.Count, queries.Count);
            }

            return all;
        });
        double[] Measure(FusionWeights weights) => [.. known.Select((evidence, i) => Ndcg(evidence.Parts(weights), queries[i].Id))];
        var fitted = await progress.ShowAsync("Fitting", moved => Task.FromResult(new WeightFit(Measure, folds).Fit(node.Weights, moved, cancellationToken)));
        var words = Measure(new FusionWeights { Vector = 0, Order = 0, Nearness = 0, Similar = 0, Adjacent = 0 });
        return new FitResult(set.Name, folds, words, node.Weights, fitted);
    }

    private double Ndcg(IReadOnlyList<FusedParts> parts, string query)
    {
        var ranking = parts.OrderByDescending(p => p.Score).ThenBy(p => p.Passage.Id, Retrieval.Index.ChunkOrder.Instance)
            .Select(p => p.Passage.Document).Distinct().Take(Depth).Select(document => set.Corpus.Of(document).Id);
        return RetrievalMetrics.Ndcg(ranking, set.Judgments.Of(query), Depth);
    }
}

/// <param name="Words">By query, by words alone over the same candidates.</param>
/// <param name="Start">The weights that are configured.</param>
internal sealed record FitResult(string Data, int Folds, double[] Words, FusionWeights Start, FittedWeights Fit)
{
    public double P => RandomisationTest.P([.. Fit.HeldOut.Zip(Fit.Before, (after, before) => after - before)]);

    /// <summary>A table for people, and what to put into the configuration.</summary>
    public void Write(TextWriter output)
    {
        var difference = Fit.HeldOut.Average() - Fit.Before.Average();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"eval fit {Data}: {Words.Length} queries, {Folds} folds, nDCG@10"));
        output.WriteLine();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"words       {Words.Average():0.0000}  by words alone"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"configured  {Fit.Before.Average():0.0000}  with the weights that are configured"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"heldOut     {Fit.HeldOut.Average():0.0000}  with weights fitted to the queries of the other folds: what to expect"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"fitted      {Fit.Fitted.Average():0.0000}  with the weights below, which these queries chose"));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"difference  {difference:+0.0000;-0.0000;0.0000}  held out, against configured; p {P:0.000}"));
        output.WriteLine();
        output.WriteLine(Fit.Weights == Start || difference <= 0
            ? "Nothing better than the configured weights was found that would hold for other queries. Fitted to all of them:"
            : "Put into the configuration:");
        output.WriteLine();
        output.WriteLine($"ragcluster.retrieval.weights {{ {Hocon(Fit.Weights)} }}");
    }

    public string ToJson()
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            json.WriteString("evaluation", "fit");
            json.WriteString("data", Data);
            json.WriteNumber("queries", Words.Length);
            json.WriteNumber("folds", Folds);
            json.WriteNumber("words", Math.Round(Words.Average(), 6));
            json.WriteNumber("configured", Math.Round(Fit.Before.Average(), 6));
            json.WriteNumber("heldOut", Math.Round(Fit.HeldOut.Average(), 6));
            json.WriteNumber("fitted", Math.Round(Fit.Fitted.Average(), 6));
            json.WriteNumber("p", Math.Round(P, 6));
            json.WriteStartObject("weights");
            foreach (var (name, value) in Values(Fit.Weights))
            {
                json.WriteNumber(name, value);
            }

            json.WriteEndObject();
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(stream.GetBuffer(), 0, (int)stream.Length);
    }

    private static string Hocon(FusionWeights weights) =>
        string.Join(", ", Values(weights).Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Name} = {pair.Value:0.####}")));

    private static (string Name, double Value)[] Values(FusionWeights weights) =>
    [
        ("lexical", Math.Round(1 - weights.Vector, 4)), ("vector", Math.Round(weights.Vector, 4)), ("order", weights.Order), ("nearness", weights.Nearness),
        ("similar", weights.Similar), ("adjacent", weights.Adjacent),
    ];
}
