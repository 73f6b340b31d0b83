using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Vectors;

namespace RagCluster.Retrieval.Tests.Vectors;

/// <summary>The scan skips by a bound: were the bound wrong, a nearest neighbour would be missing now and then.</summary>
public class FlatVectorsTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(32)]
    [InlineData(384)]
    [InlineData(1000)]
    public void The_best_k_are_exactly_those_of_scoring_every_row(int dimensions)
    {
        var random = new Random(dimensions);
        var vectors = new FlatVectors(dimensions);
        const int Rows = 700;
        for (var row = 0; row < Rows; row++)
        {
            // Clusters of near duplicates, exact duplicates and far outliers.
            var v = new Half[dimensions];
            for (var i = 0; i < dimensions; i++)
            {
                v[i] = (Half)(MathF.Sin((row / 50) + (i * 0.37f)) + ((float)random.NextDouble() * (row % 3) * 0.01f) + (row % 97 == 0 && i == 0 ? 1000 : 0));
            }

            vectors.Set(row, v);
        }

        foreach (var k in new[] { 1, 10, Rows + 5 })
        {
            for (var q = 0; q < 5; q++)
            {
                var query = VectorQuery.Of(Embedding.Of([.. Enumerable.Range(0, dimensions).Select(i => MathF.Sin((q * 3) + (i * 0.37f)) + ((float)random.NextDouble() * 0.02f))]))!;
                var allowed = q % 2 == 0 ? [] : Bitmap.Full(Rows).Select(word => word & 0xF0F0_F0F0_F0F0_F0F0).ToArray();
                var offered = new Dictionary<int, double>();
                vectors.Search(query, Rows, allowed, k, offered.Add);
                var all = Enumerable.Range(0, Rows)
                    .Where(row => allowed.Length == 0 || Bitmap.Has(allowed, row))
                    .Where(row => !vectors[row].IsEmpty)
                    .Select(row => (Row: row, Score: vectors.Score(query, row)!.Value))
                    .OrderByDescending(hit => hit.Score).ThenBy(hit => hit.Row).Take(k).ToList();
                offered.OrderByDescending(hit => hit.Value).ThenBy(hit => hit.Key).Take(k).Select(hit => (hit.Key, hit.Value)).ShouldBe(all);
            }
        }
    }

    [Fact]
    public void Rows_without_a_vector_or_direction_are_not_found()
    {
        var vectors = new FlatVectors(2);
        vectors.Set(600, [(Half)1, (Half)0]);
        vectors.Set(601, [(Half)0, (Half)0]);
        var found = new List<int>();
        vectors.Search(VectorQuery.Of(Embedding.Of([1, 1]))!, 900, [], 10, (row, _) => found.Add(row));
        found.ShouldBe([600]);
        VectorQuery.Of(Embedding.Of([0, 0])).ShouldBeNull();
        VectorQuery.Of(null).ShouldBeNull();
    }
}
