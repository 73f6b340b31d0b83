using System.Runtime.InteropServices;
using RagCluster.Retrieval.Vectors;

namespace RagCluster.Nodes.Benchmarks.Retrieval;

/// <summary>Vectors to measure with, queries to them, and which ten are nearest to each query by cosine.</summary>
internal sealed class VectorSet : IDisposable
{
    public const int K = 10;

    private const int Queries = 1000;

    private VectorSet(VectorFile vectors, float[][] queries, HashSet<int>[] nearest) => (Vectors, QueryVectors, Nearest) = (vectors, queries, nearest);

    public VectorFile Vectors { get; }

    public float[][] QueryVectors { get; }

    public HashSet<int>[] Nearest { get; }

    /// <summary>Reads a file of vectors, and one of queries: by default query.fvecs beside it, or, where there is none, every hundredth vector.</summary>
    /// <exception cref="InvalidDataException">A file is missing, not of the form fvecs, or the two differ in dimensions.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static VectorSet Read(string path, string? queries)
    {
        var beside = Path.Combine(Path.GetDirectoryName(Path.GetFullPath(path))!, "query.fvecs");
        foreach (var missing in new[] { path, queries }.OfType<string>().Where(name => !File.Exists(name)))
        {
            throw new InvalidDataException($"There is no file {missing}.");
        }

        var file = VectorFile.Open(path);
        try
        {
            var asked = queries ?? (File.Exists(beside) ? beside : null);
            var vectors = asked is null ? Every(file, Math.Max(1, file.Count / Queries)) : ReadAll(asked);
            if (vectors.Length == 0 || vectors[0].Length != file.Dimensions)
            {
                throw new InvalidDataException($"The queries have not {file.Dimensions} dimensions as the vectors of {path}.");
            }

            return new VectorSet(file, vectors, NearestOf(file, vectors));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Makes vectors that are hard to search, into a folder: 2,000 overlapping clusters whose variance falls off by a
    /// power law over a random rotation, as that of texts' vectors does. From a fixed seed.
    /// </summary>
    public static VectorSet Make(string folder, int count, int dimensions)
    {
        Directory.CreateDirectory(folder);
        var random = new Random(20240917);
        var generator = new Generator(random, dimensions, clusters: Math.Min(2000, Math.Max(1, count / 50)));
        Write(Path.Combine(folder, "base.fvecs"), count, generator);
        Write(Path.Combine(folder, "query.fvecs"), Queries, generator);
        return Read(Path.Combine(folder, "base.fvecs"), null);
    }

    public void Dispose() => Vectors.Dispose();

    private static float[][] ReadAll(string path)
    {
        using var file = VectorFile.Open(path);
        return Every(file, 1);
    }

    private static float[][] Every(VectorFile file, int step) => [.. Enumerable.Range(0, file.Count / step).Take(Queries).Select(i => file[i * step].ToArray())];

    /// <summary>By a scan that compares every vector in full.</summary>
    private static HashSet<int>[] NearestOf(VectorFile file, float[][] queries)
    {
        var index = VectorIndex.Over(file, new VectorIndexOptions { Dimensions = file.Dimensions, GraphFrom = int.MaxValue });
        return [.. queries.Chunk(64).SelectMany(some => index.SearchMany(some, K)).Select(hits => hits.Select(hit => hit.Id).ToHashSet())];
    }

    private static void Write(string path, int count, Generator generator)
    {
        using var stream = new BufferedStream(File.Create(path), 1 << 20);
        Span<byte> head = stackalloc byte[4];
        for (var i = 0; i < count; i++)
        {
            var vector = generator.Next();
            MemoryMarshal.Write(head, vector.Length);
            stream.Write(head);
            stream.Write(MemoryMarshal.AsBytes<float>(vector));
        }
    }

    private sealed class Generator
    {
        private const double Spread = 1.5;

        private readonly Random _random;
        private readonly double[] _scale;
        private readonly int[] _signs;
        private readonly float[][] _centres;

        public Generator(Random random, int dimensions, int clusters)
        {
            _random = random;
            _scale = [.. Enumerable.Range(1, dimensions).Select(i => Math.Pow(i, -0.35))];
            var norm = Math.Sqrt(_scale.Sum(s => s * s));
            _scale = [.. _scale.Select(s => s / norm)];
            _signs = [.. Enumerable.Range(0, dimensions).Select(_ => (random.Next(2) * 2) - 1)];
            _centres = [.. Enumerable.Range(0, clusters).Select(_ => Normalised(Rotated(Draw())))];
        }

        public float[] Next()
        {
            // Some clusters are several times the size of others.
            var centre = _centres[(int)(_centres.Length * Math.Pow(_random.NextDouble(), 1.5))];
            var around = Rotated(Draw());
            return Normalised([.. centre.Zip(around, (c, a) => (float)(c + (Spread * a)))]);
        }

        private float[] Draw() => [.. _scale.Select(s => (float)(s * Normal()))];

        private double Normal() => Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());

        /// <summary>A rotation that is quick: random signs, and then each number is mixed with others, twice (reflections by vectors of ones over strides).</summary>
        private float[] Rotated(float[] vector)
        {
            for (var stride = 1; stride < vector.Length; stride *= 3)
            {
                for (var i = 0; i + stride < vector.Length; i++)
                {
                    var (x, y) = (vector[i] * _signs[i], vector[i + stride]);
                    (vector[i], vector[i + stride]) = ((0.8f * x) - (0.6f * y), (0.6f * x) + (0.8f * y));
                }
            }

            return vector;
        }

        private static float[] Normalised(float[] vector)
        {
            var norm = MathF.Sqrt(vector.Sum(value => value * value));
            return [.. vector.Select(value => value / norm)];
        }
    }
}
