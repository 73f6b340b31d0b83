using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Vectors;
using RagCluster.Retrieval.Vectors.Graphs;

namespace RagCluster.Retrieval.Tests.Vectors;

/// <summary>A graph may miss a neighbour now and then; it may not miss many, nor tell a wrong score, nor find what is gone.</summary>
public class VectorIndexTests
{
    private const int Dimensions = 24;

    private static readonly VectorIndexOptions Linked = new() { Dimensions = Dimensions, GraphFrom = 0 };

    private static VectorSearchOptions By(SearchWay way, int ef = 64, ulong[]? filter = null) => new() { Way = way, Ef = ef, Filter = filter };

    [Theory]
    [InlineData(Similarity.Cosine, StoredPrecision.Half, 1)]
    [InlineData(Similarity.Dot, StoredPrecision.Single, 1)]
    [InlineData(Similarity.Euclidean, StoredPrecision.Single, 1)]
    [InlineData(Similarity.Euclidean, StoredPrecision.Half, 4)]
    public void A_walk_through_the_graph_finds_nearly_all_that_a_scan_finds_with_the_same_scores(Similarity similarity, StoredPrecision precision, int threads)
    {
        var index = new VectorIndex(Linked with { Similarity = similarity, Precision = precision });
        var clusters = new Clusters(1, Dimensions, 40);
        index.AddMany(clusters.Take(4000), threads);
        RecallOf(index, clusters.Take(100), By(SearchWay.Walk)).ShouldBeGreaterThan(0.97);
    }

    [Fact]
    public void One_thread_builds_the_same_graph_again()
    {
        using var folder = new TemporaryFolder();
        var names = new HashSet<string>();
        for (var i = 0; i < 2; i++)
        {
            var index = new VectorIndex(Linked);
            var clusters = new Clusters(2, Dimensions, 10);
            index.AddMany(clusters.Take(500));
            foreach (var vector in clusters.Take(100))
            {
                index.Add(vector);
            }

            index.Remove(17);
            names.Add(index.Save(folder.Path).Name);
        }

        names.Count.ShouldBe(1);
    }

    [Fact]
    public void Whatever_share_a_filter_lets_through_nearly_all_of_its_best_are_found()
    {
        var index = new VectorIndex(Linked);
        var clusters = new Clusters(3, Dimensions, 40);
        index.AddMany(clusters.Take(6000));
        var queries = clusters.Take(60);
        foreach (var share in new[] { 0.001, 0.01, 0.1, 0.3, 0.7, 0.99 })
        {
            var filter = FilterOf(6000, share);
            RecallOf(index, queries, new VectorSearchOptions { Filter = filter }).ShouldBeGreaterThan(0.97, $"share {share}");
            RecallOf(index, queries, By(SearchWay.WalkAmongAllowed, 100, filter)).ShouldBeGreaterThan(share < 0.1 ? 0.8 : 0.95, $"share {share}, among the allowed");
        }
    }

    /// <summary>A filter that goes with the vectors is the hardest: the walk begins where nothing is allowed.</summary>
    [Fact]
    public void A_filter_that_allows_only_what_is_far_from_the_query_is_answered_as_well()
    {
        var index = new VectorIndex(Linked);
        var (near, far) = (new Clusters(4, Dimensions, 5), new Clusters(400, Dimensions, 5));
        index.AddMany(near.Take(3000));
        index.AddMany(far.Take(1000));
        var filter = new ulong[Bitmap.WordsFor(4000)];
        Bitmap.AddRange(filter, 3000, 4000);
        RecallOf(index, near.Take(40), new VectorSearchOptions { Filter = filter }).ShouldBeGreaterThan(0.97);
        RecallOf(index, near.Take(40), By(SearchWay.WalkAmongAllowed, 100, filter)).ShouldBeGreaterThan(0.9);
    }

    [Fact]
    public void Removing_most_and_adding_others_leaves_a_graph_as_good_as_new()
    {
        var index = new VectorIndex(Linked);
        var clusters = new Clusters(5, Dimensions, 30);
        index.AddMany(clusters.Take(3000));
        var random = new Random(5);
        for (var round = 0; round < 4; round++)
        {
            for (var id = 0; id < index.Rows; id++)
            {
                if (random.Next(2) == 0)
                {
                    index.Remove(id);
                }
            }

            index.AddMany(clusters.Take(1500));
        }

        var queries = clusters.Take(80);
        RecallOf(index, queries, new VectorSearchOptions { Exact = true }).ShouldBe(1);
        RecallOf(index, queries, By(SearchWay.WalkAmongAllowed)).ShouldBeGreaterThan(0.97);
        RecallOf(index, queries, new VectorSearchOptions()).ShouldBeGreaterThan(0.97);
    }

    [Fact]
    public void After_a_sweep_no_living_node_leads_to_a_dead_one()
    {
        var index = new VectorIndex(Linked);
        index.AddMany(new Clusters(6, Dimensions, 30).Take(2000));
        var dead = FilterOf(2000, 0.4);
        var graph = index.Graph!;
        new GraphRepair(graph, new GraphLocks()).Sweep(dead, 2000, CancellationToken.None);
        var space = graph.Space();
        Bitmap.Has(dead, graph.Entry!.Node).ShouldBeFalse();
        for (var node = 0; node < 2000; node++)
        {
            if (!Bitmap.Has(dead, node))
            {
                LinksOf(space, node).ShouldAllBe(to => !Bitmap.Has(dead, to) && to != node);
                LinksOf(space, node).Length.ShouldBeGreaterThan(0);
            }
        }
    }

    [Fact]
    public void Nothing_one_and_many_equal_vectors_are_found_as_they_should()
    {
        var index = new VectorIndex(Linked);
        var vector = new Clusters(7, Dimensions, 1).Next();
        index.Search(vector, 5).ShouldBeEmpty();
        index.Add(vector).ShouldBe(0);
        index.Search(vector, 5, By(SearchWay.Walk)).ShouldHaveSingleItem().Id.ShouldBe(0);
        index.Search(vector, 0).ShouldBeEmpty();
        index.AddMany([.. Enumerable.Repeat(vector, 300)]);
        foreach (var way in Enum.GetValues<SearchWay>())
        {
            index.Search(vector, 10, By(way)).Select(hit => hit.Score).ShouldAllBe(score => score > 0.999);
            index.Search(vector, 10, By(way)).Count.ShouldBe(10);
        }

        index.Search(vector, 1000).Count.ShouldBe(301);
        index.Search(vector, 3).Select(hit => hit.Id).ShouldBe([0, 1, 2]);
        index.Remove(0).ShouldBeTrue();
        index.Remove(0).ShouldBeFalse();
        index.Remove(-1).ShouldBeFalse();
        index.Remove(301).ShouldBeFalse();
        index.Search(vector, 3).Select(hit => hit.Id).ShouldBe([1, 2, 3]);
    }

    [Fact]
    public void Zero_vectors_are_like_nothing_by_cosine_and_something_by_distance()
    {
        foreach (var similarity in Enum.GetValues<Similarity>())
        {
            var index = new VectorIndex(Linked with { Similarity = similarity });
            index.Add(new float[Dimensions]);
            index.AddMany(new Clusters(8, Dimensions, 3).Take(50));
            var found = index.Search(new float[Dimensions], 60);
            found.Count.ShouldBe(similarity == Similarity.Cosine ? 0 : 51);
            index.Count.ShouldBe(similarity == Similarity.Cosine ? 50 : 51);
            if (similarity == Similarity.Euclidean)
            {
                found[0].ShouldBe(new Neighbour(0, 0));
            }
        }
    }

    [Fact]
    public void What_cannot_be_scored_is_refused_and_nothing_of_it_stays()
    {
        var index = new VectorIndex(Linked);
        float[][] bad = [[], new float[Dimensions + 1], [.. Enumerable.Repeat(float.NaN, Dimensions)], [.. Enumerable.Repeat(float.PositiveInfinity, Dimensions)], [.. Enumerable.Repeat(1e20f, Dimensions)], [.. Enumerable.Repeat(1e-20f, Dimensions)]];
        foreach (var vector in bad)
        {
            Should.Throw<ArgumentException>(() => index.Add(vector));
            Should.Throw<ArgumentException>(() => index.AddMany([new float[Dimensions], vector]));
            Should.Throw<ArgumentException>(() => index.Search(vector, 1));
            Should.Throw<ArgumentException>(() => index.SearchMany([vector], 1));
        }

        index.Rows.ShouldBe(0);
        Should.Throw<ArgumentOutOfRangeException>(() => new VectorIndex(new VectorIndexOptions { Dimensions = 0 }));
        Should.Throw<ArgumentOutOfRangeException>(() => new VectorIndex(Linked with { Graph = new GraphOptions { M = 1 } }));
    }

    [Fact]
    public void Several_queries_at_once_are_answered_as_one_by_one()
    {
        var index = new VectorIndex(Linked);
        var clusters = new Clusters(9, Dimensions, 10);
        index.AddMany(clusters.Take(1000));
        index.Remove(5);
        float[][] queries = [.. clusters.Take(20), new float[Dimensions]];
        var filter = FilterOf(1000, 0.5);
        foreach (var (found, query) in index.SearchMany(queries, 7, filter).Zip(queries))
        {
            found.ShouldBe(index.Search(query, 7, new VectorSearchOptions { Exact = true, Filter = filter }));
        }
    }

    [Fact]
    public async Task Searches_beside_adding_and_removing_find_only_what_is_there_and_score_it_right()
    {
        var clusters = new Clusters(10, Dimensions, 20);
        var vectors = clusters.Take(6000);
        var index = new VectorIndex(Linked);
        index.AddMany(vectors[..500]);
        using var done = new CancellationTokenSource();
        var searches = 0;
        using var begun = new ManualResetEventSlim();
        var searching = Task.Factory.StartNew(SearchOn, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        void SearchOn()
        {
            var random = new Random(10);
            while (!done.IsCancellationRequested)
            {
                var query = vectors[random.Next(vectors.Length)];
                var way = Enum.GetValues<SearchWay>()[searches++ % 3];
                foreach (var hit in index.Search(query, 10, By(way)))
                {
                    hit.Score.ShouldBe(Cosine(query, vectors[hit.Id]), 2e-3);
                }

                begun.Set();
            }
        }

        begun.Wait(TimeSpan.FromSeconds(30)).ShouldBeTrue();
        for (var i = 500; i < 3000; i++)
        {
            index.Add(vectors[i]).ShouldBe(i);
            if (i % 3 == 0)
            {
                index.Remove(i / 2);
            }
        }

        index.AddMany(vectors[3000..], threads: 2);
        await done.CancelAsync();
        await searching;
        searches.ShouldBeGreaterThan(10);
        RecallOf(index, vectors[..50], By(SearchWay.Walk)).ShouldBeGreaterThan(0.97);
    }

    [Fact]
    public void A_cancelled_build_loses_no_vector_and_is_finished_by_the_next_one()
    {
        var index = new VectorIndex(Linked);
        var clusters = new Clusters(11, Dimensions, 20);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Should.Throw<OperationCanceledException>(() => index.AddMany(clusters.Take(1000), 2, cancelled.Token));
        var queries = clusters.Take(20);
        index.Count.ShouldBe(1000);
        RecallOf(index, queries, VectorSearchOptions.Default).ShouldBe(1);
        index.Add(clusters.Next());
        RecallOf(index, queries, By(SearchWay.Walk)).ShouldBeGreaterThan(0.97);
    }

    [Fact]
    public void A_file_of_vectors_is_searched_where_it_lies_and_a_bad_one_is_refused()
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "base.fvecs");
        var vectors = new Clusters(12, Dimensions, 5).Take(700);
        WriteFile(path, vectors);
        using (var file = VectorFile.Open(path))
        {
            file.Count.ShouldBe(700);
            file[699].ToArray().ShouldBe(vectors[699]);
            var index = VectorIndex.Over(file, Linked);
            RecallOf(index, vectors[..30], By(SearchWay.Walk)).ShouldBeGreaterThan(0.97);
            Should.Throw<InvalidOperationException>(() => index.Add(vectors[0]));
            index.MemoryBytes.ShouldBeLessThan(700_000);
        }

        var bytes = File.ReadAllBytes(path);
        foreach (var bad in new[] { bytes[..5], bytes[..^1], [.. bytes[..4], 0, 0, 0xC0, 0x7F, .. bytes[8..]], [0xFF, 0xFF, 0xFF, 0xFF, .. bytes[4..]], [.. bytes[..100], 9, 9, .. bytes[102..]] })
        {
            File.WriteAllBytes(path, bad);
            Should.Throw<InvalidDataException>(() => VectorFile.Open(path));
        }
    }

    internal static void WriteFile(string path, IEnumerable<float[]> vectors)
    {
        using var writer = new BinaryWriter(File.Create(path));
        foreach (var vector in vectors)
        {
            writer.Write(vector.Length);
            foreach (var value in vector)
            {
                writer.Write(value);
            }
        }
    }

    /// <summary>The share of the ten best that are found; their scores are checked on the way.</summary>
    internal static double RecallOf(VectorIndex index, float[][] queries, VectorSearchOptions options)
    {
        var (found, all) = (0, 0);
        foreach (var query in queries)
        {
            var exact = index.Search(query, 10, options with { Exact = true, Way = null });
            var hits = index.Search(query, 10, options);
            hits.Count.ShouldBe(exact.Count);
            hits.ShouldBe(hits.OrderByDescending(hit => hit.Score).ThenBy(hit => hit.Id));
            hits.Select(hit => hit.Id).Distinct().Count().ShouldBe(hits.Count);
            found += hits.Intersect(exact).Count();
            all += exact.Count;
        }

        return all == 0 ? 1 : (double)found / all;
    }

    private static ulong[] FilterOf(int rows, double share)
    {
        var random = new Random(rows);
        var filter = new ulong[Bitmap.WordsFor(rows)];
        for (var row = 0; row < rows; row++)
        {
            if (random.NextDouble() < share)
            {
                Bitmap.Add(filter, row);
            }
        }

        return filter;
    }

    private static unsafe int[] LinksOf(GraphSpace space, int node) => [.. new ReadOnlySpan<int>(space.BaseLinks(node), space.BaseWidth).ToArray().Where(to => to >= 0)];

    private static double Cosine(float[] x, float[] y) => x.Zip(y, (a, b) => (double)a * b).Sum() / Math.Sqrt(x.Sum(a => (double)a * a) * y.Sum(b => (double)b * b));
}
