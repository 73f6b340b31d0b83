using System.Numerics.Tensors;
using System.Text.Json;
using RagCluster.Inference.Embedded;

namespace RagCluster.Inference.Tests.Evaluation;

/// <summary>
/// Measures what the embedded vectors add to BM25 on public test collections: nDCG@10 with linear gain, scores fused as
/// 0.85 BM25 + 0.15 cosine, each divided by its maximum.
/// </summary>
public class RetrievalEvaluation(ITestOutputHelper output)
{
    private const double VectorWeight = 0.15;

    [Theory]
    [InlineData("adi", 0.002)]
    [InlineData("cisi", 0.005)]
    [InlineData("cacm", -0.005)]
    public void Vectors_do_not_harm_and_mostly_help(string set, double least) => Measure(set, least);

    /// <summary>Takes a while: run it by name.</summary>
    [Fact(Explicit = true)]
    public void Vectors_help_on_the_large_collection() => Measure("insuranceqa", 0.005);

    /// <summary>
    /// Where features fall in so few dimensions is luck, worth up to 0.01 either way: what counts is the mean over other
    /// choices. Takes a while: run it by name.
    /// </summary>
    [Theory(Explicit = true)]
    [InlineData("adi", 0)]
    [InlineData("cisi", 0.004)]
    [InlineData("cacm", -0.012)]
    public void On_average_over_hash_functions_too(string set, double least)
    {
        var gains = Enumerable.Range(1, 6).Select(seed => Gain(set, new HashedFeatures(EmbeddedEmbedder.Dimensions, new FeatureWeights { Seed = (ulong)seed }))).ToList();
        output.WriteLine($"{set}: mean gain {gains.Average():F4}, from {gains.Min():F4} to {gains.Max():F4}");
        gains.Average().ShouldBeGreaterThan(least);
    }

    private void Measure(string set, double least) =>
        Gain(set, new HashedFeatures(EmbeddedEmbedder.Dimensions, new FeatureWeights())).ShouldBeGreaterThan(least);

    private double Gain(string set, HashedFeatures features)
    {
        var folder = SharedData.Find($"retrieval/{set}");
        var ids = new List<string>();
        var texts = new List<string>();
        foreach (var document in Json(Path.Combine(folder, "corpus.jsonl")))
        {
            ids.Add(document.GetProperty("id").GetString()!);
            texts.Add($"{document.GetProperty("title").GetString()}\n{document.GetProperty("text").GetString()}");
        }

        var judged = File.ReadLines(Path.Combine(folder, "qrels.tsv")).Select(l => l.Split('\t')).ToLookup(p => p[0], p => p[1]);
        var queries = Json(Path.Combine(folder, "queries.jsonl"))
            .Where(q => judged.Contains(q.GetProperty("id").GetString()!))
            .Where(q => set != "insuranceqa" || (q.TryGetProperty("complete", out var complete) && complete.GetBoolean()))
            .ToList();
        var words = new Bm25(texts);
        var vectors = texts.Select(text => Embed(features, text)).ToList();
        double lexical = 0, vector = 0, hybrid = 0;
        foreach (var query in queries)
        {
            var relevant = judged[query.GetProperty("id").GetString()!].ToHashSet();
            var text = query.GetProperty("text").GetString()!;
            var queryVector = Embed(features, text);
            var bm25 = words.Score(text);
            var cosine = vectors.Select(v => (double)TensorPrimitives.Dot<float>(v, queryVector)).ToArray();
            var fused = new double[texts.Count];
            foreach (var i in Bm25.Top(bm25, 100).Union(Bm25.Top(cosine, 100)))
            {
                fused[i] = ((1 - VectorWeight) * bm25[i] / Math.Max(1e-9, bm25.Max())) + (VectorWeight * Math.Max(0, cosine[i]) / Math.Max(1e-9, cosine.Max()));
            }

            lexical += Ndcg(bm25);
            vector += Ndcg(cosine);
            hybrid += Ndcg(fused);

            double Ndcg(double[] scores)
            {
                var gain = Bm25.Top(scores, 10).Select((d, rank) => relevant.Contains(ids[d]) ? 1 / Math.Log2(rank + 2) : 0).Sum();
                return gain / Enumerable.Range(0, Math.Min(10, relevant.Count)).Sum(rank => 1 / Math.Log2(rank + 2));
            }
        }

        output.WriteLine($"{set}: nDCG@10 of {queries.Count} queries: BM25 {lexical / queries.Count:F4}, vectors {vector / queries.Count:F4}, both {hybrid / queries.Count:F4}");
        return (hybrid - lexical) / queries.Count;
    }

    private static float[] Embed(HashedFeatures features, string text)
    {
        var vector = new float[EmbeddedEmbedder.Dimensions];
        features.Embed(text, vector);
        return vector;
    }

    private static IEnumerable<JsonElement> Json(string path) => File.ReadLines(path).Select(line => JsonDocument.Parse(line).RootElement);
}
