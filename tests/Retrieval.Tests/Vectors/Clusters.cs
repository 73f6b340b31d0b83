namespace RagCluster.Retrieval.Tests.Vectors;

/// <summary>Vectors around overlapping centres, as those of texts are: a graph that works on uniform noise alone is of no use, and one that works on tight clusters alone neither.</summary>
internal sealed class Clusters(int seed, int dimensions, int centres)
{
    private readonly Random _random = new(seed);
    private readonly float[][] _centres = [.. Points(new Random(seed + 1), centres, dimensions)];

    public float[] Next()
    {
        var centre = _centres[_random.Next(_centres.Length)];
        return [.. centre.Select(value => value + (1.2f * Normal(_random)))];
    }

    public float[][] Take(int count) => [.. Enumerable.Range(0, count).Select(_ => Next())];

    private static IEnumerable<float[]> Points(Random random, int count, int dimensions) =>
        Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, dimensions).Select(_ => Normal(random)).ToArray());

    private static float Normal(Random random) => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
}
