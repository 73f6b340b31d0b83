using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Segments;
using RagCluster.Retrieval.Vectors.Graphs;

namespace RagCluster.Retrieval.Tests.Vectors;

/// <summary>A partition's graph lags behind its segments, which grow, are sealed, lose chunks and are merged: a search must never show it.</summary>
public sealed class PartitionGraphTests : IDisposable
{
    private const int Dimensions = 24;

    private static readonly IndexOptions Walking = new()
    {
        MaxSegmentChunks = 400,
        MinDeletedToRewrite = 50,
        Graphs = new VectorGraphOptions { From = 300, Threads = 1, Ef = 100, Way = SearchWay.WalkAmongAllowed },
    };

    private readonly TemporaryFolder _folder = new();
    private readonly Clusters _clusters = new(21, Dimensions, 25);
    private int _next;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Whatever_happens_to_segments_nearly_all_is_found_and_nothing_that_is_gone()
    {
        var (index, exact) = (new PartitionIndex(Walking), new PartitionIndex());
        var random = new Random(21);
        for (var round = 0; round < 12; round++)
        {
            Grow(index, exact, 250);
            for (var i = 0; i < 90 && round % 3 == 2; i++)
            {
                Apply(index, exact, new ChunksRemoved(new DocumentId($"d{random.Next(_next)}"), 9));
            }

            if (round % 2 == 1)
            {
                index.Reader.Tend(TestContext.Current.CancellationToken);
            }

            if (round is 4 or 9)
            {
                var manifest = index.Save(_folder.Path);
                manifest.Graphs!.Count.ShouldBe(1);
                var before = Answers(index);
                index = PartitionIndex.Open(_folder.Path, manifest, Walking);
                index.RefusedGraph.ShouldBeNull();
                Answers(index).ShouldBe(before);
            }

            RecallOf(index, exact).ShouldBeGreaterThan(0.96, $"round {round}");
        }

        index.Reader.Graphs.GraphOf(Dimensions)!.Current!.Placed.Sum(place => place.Count).ShouldBeGreaterThan(1500);
    }

    [Fact]
    public void Merged_segments_bring_their_links_along()
    {
        var index = new PartitionIndex(Walking);
        var exact = new PartitionIndex();
        Grow(index, exact, 1000);
        index.Reader.Tend(TestContext.Current.CancellationToken);
        var before = index.Reader.Graphs.GraphOf(Dimensions)!.Current!.Graph;
        for (var i = 0; i < 250; i++)
        {
            Apply(index, exact, new ChunksRemoved(new DocumentId($"d{i}"), 9));
        }

        index.Reader.Tend(TestContext.Current.CancellationToken);
        var after = index.Reader.Graphs.GraphOf(Dimensions)!.Current!;
        after.Graph.ShouldNotBe(before);
        Bitmap.CountOf(after.Linked).ShouldBe(750);
        RecallOf(index, exact).ShouldBeGreaterThan(0.96);
    }

    [Fact]
    public void A_damaged_or_missing_graph_is_named_left_out_and_built_again()
    {
        var (index, exact) = (new PartitionIndex(Walking), new PartitionIndex());
        Grow(index, exact, 600);
        index.Reader.Tend(TestContext.Current.CancellationToken);
        var manifest = index.Save(_folder.Path);
        var path = Path.Combine(_folder.Path, manifest.Graphs![0].Name);
        var whole = File.ReadAllBytes(path);
        foreach (var at in new[] { 3, 20, 100, 300, whole.Length / 2, whole.Length - 1 })
        {
            var damaged = whole.ToArray();
            damaged[at] ^= 64;
            File.WriteAllBytes(path, damaged);
            ShouldDoWithout();
        }

        File.Delete(path);
        ShouldDoWithout();

        void ShouldDoWithout()
        {
            var opened = PartitionIndex.Open(_folder.Path, manifest, Walking);
            opened.RefusedGraph!.File.ShouldBe(manifest.Graphs![0].Name);
            RecallOf(opened, exact).ShouldBe(1);
            opened.Reader.Tend(TestContext.Current.CancellationToken);
            opened.Reader.Graphs.GraphOf(Dimensions).ShouldNotBeNull();
            RecallOf(opened, exact).ShouldBeGreaterThan(0.96);
        }
    }

    [Fact]
    public void Bytes_changed_under_a_right_checksum_never_crash_or_hang_the_reader()
    {
        var (index, exact) = (new PartitionIndex(Walking with { Graphs = Walking.Graphs with { From = 40 } }), new PartitionIndex());
        Grow(index, exact, 120);
        index.Reader.Tend(TestContext.Current.CancellationToken);
        var manifest = index.Save(_folder.Path);
        var sections = SectionedFile.Read(_folder.Path, manifest.Graphs![0]);
        var random = new Random(4);
        var (refused, opened) = (0, 0);
        for (var i = 0; i < 600; i++)
        {
            var victim = sections.Keys.ElementAt(i % sections.Count);
            var forged = SectionedFile.Write(_folder.Path, "graph", [.. sections.Select(pair => Rewritten(pair.Key, pair.Value, pair.Key == victim))]);
            var reopened = PartitionIndex.Open(_folder.Path, manifest with { Graphs = [forged] }, Walking with { Graphs = Walking.Graphs with { From = 40 } });
            RecallOf(reopened, exact);
            (refused, opened) = reopened.RefusedGraph is null ? (refused, opened + 1) : (refused + 1, opened);
            reopened.Reader.Tend(TestContext.Current.CancellationToken);
            File.Delete(Path.Combine(_folder.Path, forged.Name));
        }

        refused.ShouldBeGreaterThan(200);
        opened.ShouldBeGreaterThan(20);

        SectionWriter Rewritten(Section section, byte[] bytes, bool change)
        {
            var copy = bytes.ToArray();
            for (var n = change ? random.Next(1, 4) : 0; n > 0; n--)
            {
                copy[random.Next(copy.Length)] = (byte)(random.Next(3) == 0 ? random.Next(4) : random.Next(256));
            }

            var writer = new SectionWriter(section);
            writer.Bytes(change && random.Next(6) == 0 ? copy[..random.Next(copy.Length)] : copy);
            return writer;
        }
    }

    [Fact]
    public async Task Tending_beside_events_and_searches_loses_nothing()
    {
        var (index, exact) = (new PartitionIndex(Walking), new PartitionIndex());
        Grow(index, exact, 400);
        using var done = new CancellationTokenSource();
        var tending = Task.Factory.StartNew(TendOn, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        for (var i = 0; i < 800; i++)
        {
            Grow(index, exact, 1);
            if (i % 3 == 0)
            {
                Apply(index, exact, new ChunksRemoved(new DocumentId($"d{i}"), 9));
            }

            if (i % 10 == 0)
            {
                Find(index.Reader, Embedding.Of(_clusters.Next())).Count.ShouldBe(10);
            }
        }

        await done.CancelAsync();
        await tending;
        RecallOf(index, exact).ShouldBeGreaterThan(0.96);

        void TendOn()
        {
            while (!done.IsCancellationRequested)
            {
                index.Reader.Tend(CancellationToken.None);
            }
        }
    }

    private static IReadOnlyList<ScoredPassage> Find(IndexReader reader, Embedding vector) =>
        reader.Find("", vector, reader.Statistics(""), RoleSet.Empty, SearchFilter.None, 10).Vector;

    private static void Apply(PartitionIndex index, PartitionIndex exact, PartitionEvent @event)
    {
        index.Apply(@event);
        exact.Apply(@event);
    }

    private void Grow(PartitionIndex index, PartitionIndex exact, int count)
    {
        for (var i = 0; i < count; i++)
        {
            Apply(index, exact, Samples.Indexed($"d{_next++}", 1, "", RoleSet.Empty, Samples.NoMetadata, Samples.Chunk(0, "", _clusters.Next())));
        }
    }

    private static string[] Answers(PartitionIndex index)
    {
        var queries = new Clusters(22, Dimensions, 25);
        return [.. Enumerable.Range(0, 10).SelectMany(_ => Find(index.Reader, Embedding.Of(queries.Next()))).Select(hit => $"{hit.Passage.Id} {hit.Score}")];
    }

    /// <summary>The share of what an index without a graph finds that is found, with the same scores.</summary>
    private double RecallOf(PartitionIndex index, PartitionIndex exact)
    {
        var (found, all) = (0, 0);
        for (var q = 0; q < 30; q++)
        {
            var query = Embedding.Of(_clusters.Next());
            var expected = Find(exact.Reader, query).Select(hit => (hit.Passage.Id, hit.Score)).ToArray();
            found += Find(index.Reader, query).Count(hit => expected.Contains((hit.Passage.Id, hit.Score)));
            all += expected.Length;
        }

        return (double)found / all;
    }
}
