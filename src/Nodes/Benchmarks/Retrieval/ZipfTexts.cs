using RagCluster.Messages.Partitions;

namespace RagCluster.Nodes.Benchmarks.Retrieval;

/// <summary>
/// Texts whose words are distributed as in language (Zipf), with topics, from a fixed seed: a vocabulary of 300,000 words,
/// 1,000 topics of 150 words each that make a quarter of a text, lengths log-normal around 75 words.
/// </summary>
internal static class ZipfTexts
{
    public const int Size = 500_000;

    private const int Vocabulary = 300_000;
    private const int Topics = 1000;
    private const int TopicWords = 150;
    private const int Queries = 1000;
    private const double TopicShare = 0.25;

    public static (List<ChunksIndexed> Documents, IReadOnlyList<string> Queries) Make(int count)
    {
        var random = new Random(11);
        var common = Cumulated(Vocabulary, 2.7, 1.05);
        var special = Cumulated(TopicWords, 1, 0.8);
        var words = Enumerable.Range(0, Vocabulary).Select(i => $"w{i}x").ToArray();
        var topics = Enumerable.Range(0, Topics).Select(_ => Enumerable.Range(0, TopicWords).Select(_ => random.Next(200, Vocabulary / 3)).ToArray()).ToArray();
        var documents = new List<ChunksIndexed>(count);
        var queries = new List<string>();
        var every = Math.Max(1, count / Queries);
        for (var i = 0; i < count; i++)
        {
            var length = Math.Clamp((int)Math.Exp(4.15 + (0.6 * Normal(random))), 8, 600);
            var topic = topics[random.Next(Topics)];
            var text = new int[length];
            for (var w = 0; w < length; w++)
            {
                text[w] = random.NextDouble() < TopicShare ? topic[Drawn(special, random)] : Drawn(common, random);
            }

            documents.Add(WordBenchmark.Document($"d{i}", "", string.Join(' ', text.Select(w => words[w]))));
            if (i % every == 0 && queries.Count < Queries)
            {
                // Words of one document, but for the twenty that nearly all have.
                var asked = text.Where(w => w >= 20).Distinct().ToArray();
                random.Shuffle(asked);
                queries.Add(string.Join(' ', asked.Take(random.Next(2, 7)).Select(w => words[w])));
            }
        }

        return (documents, queries);
    }

    private static double[] Cumulated(int count, double shift, double exponent)
    {
        var sums = new double[count];
        var sum = 0.0;
        for (var i = 0; i < count; i++)
        {
            sums[i] = sum += Math.Pow(i + shift, -exponent);
        }

        return sums;
    }

    private static int Drawn(double[] cumulated, Random random)
    {
        var at = Array.BinarySearch(cumulated, random.NextDouble() * cumulated[^1]);
        return Math.Min(at < 0 ? ~at : at, cumulated.Length - 1);
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
