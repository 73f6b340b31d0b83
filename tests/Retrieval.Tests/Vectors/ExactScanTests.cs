using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Vectors;

namespace RagCluster.Retrieval.Tests.Vectors;

/// <summary>The scan skips by bounds and takes eight queries at once: every way must give what scoring every row gives.</summary>
public class ExactScanTests
{
    [Theory]
    [InlineData(Similarity.Cosine, StoredPrecision.Half, 48)]
    [InlineData(Similarity.Cosine, StoredPrecision.Single, 3)]
    [InlineData(Similarity.Dot, StoredPrecision.Half, 100)]
    [InlineData(Similarity.Dot, StoredPrecision.Single, 400)]
    [InlineData(Similarity.Euclidean, StoredPrecision.Half, 65)]
    [InlineData(Similarity.Euclidean, StoredPrecision.Single, 1)]
    public void Alone_in_batches_and_filtered_the_best_are_those_of_scoring_every_row(Similarity similarity, StoredPrecision precision, int dimensions)
    {
        const int Rows = 1500;
        var random = new Random(dimensions);
        var shape = new VectorShape(dimensions, similarity, precision);
        var flat = new FlatVectors(shape);
        for (var row = 0; row < Rows; row++)
        {
            if (row % 13 != 5)
            {
                flat.Rows.Set(row, Adversarial(random, row, dimensions));
            }
        }

        var queries = Enumerable.Range(0, 13).Select(q => VectorQuery.Of(Adversarial(random, (q * 31) + 1, dimensions), similarity)).OfType<VectorQuery>().ToArray();
        foreach (var allowed in Filters(random, Rows))
        {
            foreach (var k in new[] { 1, 10, Rows + 1 })
            {
                var together = queries.Select(_ => new Dictionary<int, double>()).ToArray();
                flat.Search(queries, Rows, allowed, k, (query, row, score) => together[query].Add(row, score));
                for (var q = 0; q < queries.Length; q++)
                {
                    var alone = new Dictionary<int, double>();
                    flat.Search(queries[q], Rows, allowed, k, alone.Add);
                    var expected = Enumerable.Range(0, Rows)
                        .Where(row => flat.Rows.Table.Has(row) && (allowed.Length == 0 || (row / 64 < allowed.Length && Bitmap.Has(allowed, row))))
                        .Select(row => (row, flat.Score(queries[q], row)!.Value))
                        .OrderByDescending(hit => hit.Value).ThenBy(hit => hit.row).Take(k).ToArray();
                    Best(alone, k).ShouldBe(expected);
                    Best(together[q], k).ShouldBe(expected);
                }
            }
        }
    }

    [Theory]
    [InlineData(Similarity.Cosine)]
    [InlineData(Similarity.Dot)]
    [InlineData(Similarity.Euclidean)]
    public void Scores_are_what_their_names_say(Similarity similarity)
    {
        foreach (var precision in new[] { StoredPrecision.Half, StoredPrecision.Single })
        {
            var flat = new FlatVectors(new VectorShape(3, similarity, precision));
            flat.Rows.Set(0, [1f, 2f, 2f]);
            flat.Rows.Set(1, [0f, 0f, 0f]);
            var query = VectorQuery.Of([3f, 0f, 4f], similarity)!;
            double? zero = similarity switch { Similarity.Cosine => null, Similarity.Dot => 0.0, _ => -25.0 };
            flat.Score(query, 1).ShouldBe(zero);
            var score = similarity switch { Similarity.Cosine => 11 / 15.0, Similarity.Dot => 11.0, _ => -12.0 };
            flat.Score(query, 0)!.Value.ShouldBe(score, 1e-6);
            flat.Score(query, 2).ShouldBeNull();
            (VectorQuery.Of([0f, 0f, 0f], similarity) is null).ShouldBe(similarity == Similarity.Cosine);
        }
    }

    [Fact]
    public void Codes_of_a_query_in_bytes_keep_their_bound_where_one_number_outweighs_all()
    {
        var flat = new FlatVectors(new VectorShape(768, Similarity.Dot, StoredPrecision.Single));
        var random = new Random(3);
        for (var row = 0; row < 600; row++)
        {
            var vector = new float[768];
            vector[0] = 1e6f * (row % 3);
            vector[1 + (row % 700)] = (float)random.NextDouble();
            flat.Rows.Set(row, vector);
        }

        var queries = Enumerable.Range(0, 8).Select(q => VectorQuery.Of([1e5f, .. Enumerable.Repeat((float)(q * 1e-3), 767)], Similarity.Dot)!).ToArray();
        var found = queries.Select(_ => new Dictionary<int, double>()).ToArray();
        flat.Search(queries, 600, [], 5, (q, row, score) => found[q].Add(row, score));
        for (var q = 0; q < 8; q++)
        {
            Best(found[q], 5).ShouldBe(Enumerable.Range(0, 600).Select(row => (row, flat.Score(queries[q], row)!.Value)).OrderByDescending(hit => hit.Value).ThenBy(hit => hit.row).Take(5));
        }
    }

    internal static (int Row, double Score)[] Best(Dictionary<int, double> offered, int k) =>
        [.. offered.Select(hit => (hit.Key, hit.Value)).OrderByDescending(hit => hit.Value).ThenBy(hit => hit.Key).Take(k)];

    /// <summary>Clusters, exact duplicates, zero vectors, single spikes, very long and very short ones.</summary>
    internal static float[] Adversarial(Random random, int row, int dimensions)
    {
        var vector = new float[dimensions];
        var length = row % 11 == 0 ? 100f : row % 17 == 0 ? 0.01f : 1f;
        for (var i = 0; i < dimensions; i++)
        {
            vector[i] = row switch
            {
                _ when row % 101 == 7 => 0,
                _ when row % 7 == 3 => i == row % dimensions ? 1 : 0,
                _ when row % 5 == 2 => MathF.Sin((row % 40) + i),
                _ => (MathF.Cos((row % 9) + (i * 0.7f)) + ((float)random.NextDouble() * 0.3f)) * length,
            };
        }

        return vector;
    }

    private static IEnumerable<ulong[]> Filters(Random random, int rows)
    {
        yield return [];
        foreach (var share in new[] { 0.0, 0.01, 0.3, 0.9 })
        {
            var bits = new ulong[Bitmap.WordsFor(rows)];
            for (var row = 0; row < rows; row++)
            {
                if (random.NextDouble() < share)
                {
                    Bitmap.Add(bits, row);
                }
            }

            yield return bits;
        }

        // A filter may end before the rows do: what it does not tell of is not allowed.
        yield return [0xFFUL];
    }
}
