using System.Text;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;

namespace RagCluster.Bench.Micro;

/// <summary>Documents whose words are as rare as words are: the r-th most frequent of 30,000 has probability ~ 1 / (r + 2.7)^1.05.</summary>
public sealed class ZipfCorpus
{
    private const int Vocabulary = 30_000;

    private readonly Random _random;
    private readonly double[] _cumulated = new double[Vocabulary];

    public ZipfCorpus(int seed)
    {
#pragma warning disable CA5394 // Benchmarks need the same numbers each time, not secret ones.
        _random = new Random(seed);
        var sum = 0.0;
        for (var i = 0; i < Vocabulary; i++)
        {
            _cumulated[i] = sum += 1 / Math.Pow(i + 2.7, 1.05);
        }
    }

    public string Text(int words)
    {
        var text = new StringBuilder();
        for (var i = 0; i < words; i++)
        {
            var at = Array.BinarySearch(_cumulated, _random.NextDouble() * _cumulated[^1]);
            text.Append(text.Length > 0 ? " " : "").Append('w').Append(at < 0 ? ~at : at).Append('x');
        }

        return text.ToString();
    }

    public Embedding Vector(int dimensions)
    {
        var values = new float[dimensions];
        for (var i = 0; i < dimensions; i++)
        {
            values[i] = (float)(_random.NextDouble() + _random.NextDouble() + _random.NextDouble() - 1.5);
        }

        return Embedding.Of(values);
    }
#pragma warning restore CA5394

    public ChunksIndexed Document(int number, int dimensions)
    {
        var text = Text(80);
        return new ChunksIndexed(
            new DocumentId($"d{number}"), 1, "", RoleSet.Empty, 0, new Dictionary<string, string>(), "bench", [new Chunk(0, 0, text.Length, null, [], text, Vector(dimensions))]);
    }
}
