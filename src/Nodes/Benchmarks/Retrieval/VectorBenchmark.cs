using System.Diagnostics;
using RagCluster.Retrieval.Vectors;

namespace RagCluster.Nodes.Benchmarks.Retrieval;

/// <summary>What is measured of searching vectors.</summary>
internal sealed record VectorBenchmarkOptions
{
    /// <summary>Null: vectors are made.</summary>
    public string? File { get; init; }

    /// <summary>Null: those beside the file.</summary>
    public string? QueryFile { get; init; }

    /// <summary>How many vectors are made where there is no file.</summary>
    public int Count { get; init; } = 100_000;

    public int Dimensions { get; init; } = 384;

    /// <summary>Threads that build the graph a second time; 1 leaves that out.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    public IReadOnlyList<int> Efs { get; init; } = [16, 24, 32, 48, 64, 80, 96, 128, 192, 256];

    public int Rounds { get; init; } = 3;
}

/// <summary>
/// Vectors alone, in this process and on one thread: the exact scan by codes, alone and for eight queries at once; the
/// graph, from building it to recall against queries a second; filters; memory. The vectors themselves stay in their
/// file, mapped, and are looked at for the final scores only.
/// </summary>
internal sealed class VectorBenchmark(VectorBenchmarkOptions options, Recorder recorder, TemporaryFolder folder)
{
    private const int K = VectorSet.K;
    private const int Scans = 300;

    private static readonly double[] Recalls = [0.95, 0.98];
    private static readonly double[] Shares = [0.001, 0.01, 0.1, 0.5];

    private bool _comparable;

    public Task RunAsync(CancellationToken cancellationToken) => Task.Run(() => Run(cancellationToken), cancellationToken);

    private void Run(CancellationToken cancellationToken)
    {
        recorder.Say("reading the vectors, and finding which are nearest");
        using var set = options.File is { } file ? VectorSet.Read(file, options.QueryFile) : VectorSet.Make(folder.New("vectors"), options.Count, options.Dimensions);
        recorder.Setting("vectors", $"{set.Vectors.Count}");
        recorder.Setting("dimensions", $"{set.Vectors.Dimensions}");
        recorder.Setting("queries", $"{set.QueryVectors.Length}");

        // The targets were set for this size; for another one they would say nothing.
        _comparable = set.Vectors is { Count: 100_000, Dimensions: 384 };
        recorder.Say("building the graph with one thread");
        var watch = Stopwatch.StartNew();
        var shape = new VectorIndexOptions { Dimensions = set.Vectors.Dimensions, GraphFrom = 0 };
        var index = VectorIndex.Over(set.Vectors, shape, threads: 1, cancellationToken);
        recorder.Add(AtMost(45, "build", "s", "building the graph, one thread"), watch.Elapsed.TotalSeconds);
        recorder.Add(AtMost(55, "memory", "MB", "codes and graph; the vectors are in their file"), index.MemoryBytes / 1e6);
        if (options.Threads > 1)
        {
            recorder.Say($"building it with {options.Threads} threads");
            watch.Restart();
            VectorIndex.Over(set.Vectors, shape, options.Threads, cancellationToken);
            recorder.Add(AtMost(25, "buildThreads", "s", $"building the graph, {options.Threads} threads"), watch.Elapsed.TotalSeconds);
        }

        for (var round = 0; round <= options.Rounds; round++)
        {
            recorder.Say(round == 0 ? "warming up" : $"round {round} of {options.Rounds}");
            var target = round == 0 ? new Recorder(TextWriter.Null) : recorder;
            Scan(set, index, target, cancellationToken);
            Curve(set, index, target, cancellationToken);
            Filter(set, index, target, cancellationToken);
        }
    }

    private void Scan(VectorSet set, VectorIndex index, Recorder target, CancellationToken cancellationToken)
    {
        var exact = new VectorSearchOptions { Exact = true };
        var queries = set.QueryVectors[..Math.Min(Scans, set.QueryVectors.Length)];
        var watch = Stopwatch.StartNew();
        var found = 0;
        for (var q = 0; q < queries.Length; q++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            found += index.Search(queries[q], K, exact).Count(hit => set.Nearest[q].Contains(hit.Id));
        }

        target.Add(AtLeast(850, "scan", "queries/s", "exact scan, one query at a time"), queries.Length / watch.Elapsed.TotalSeconds);
        target.Add(AtLeast(0.999, "scanRecall", "", $"recall@{K} of it"), found / (double)(K * queries.Length));
        watch.Restart();
        var answered = 0;
        foreach (var eight in set.QueryVectors.Chunk(8))
        {
            cancellationToken.ThrowIfCancellationRequested();
            answered += index.SearchMany(eight, K).Length;
        }

        target.Add(AtLeast(3000, "scanBatch", "queries/s", "exact scan, eight queries at once"), answered / watch.Elapsed.TotalSeconds);
    }

    /// <summary>Recall against speed, and from it the speed at the recalls that are compared.</summary>
    private void Curve(VectorSet set, VectorIndex index, Recorder target, CancellationToken cancellationToken)
    {
        var points = new List<(double Recall, double PerSecond)>();
        foreach (var ef in options.Efs)
        {
            var walk = new VectorSearchOptions { Ef = ef };
            var watch = Stopwatch.StartNew();
            var found = 0;
            for (var q = 0; q < set.QueryVectors.Length; q++)
            {
                found += index.Search(set.QueryVectors[q], K, walk).Count(hit => set.Nearest[q].Contains(hit.Id));
            }

            cancellationToken.ThrowIfCancellationRequested();
            var point = (Recall: found / (double)(K * set.QueryVectors.Length), PerSecond: set.QueryVectors.Length / watch.Elapsed.TotalSeconds);
            target.Add(new Quantity($"recallEf{ef}", "", $"graph, ef {ef}: recall@{K}"), point.Recall);
            target.Add(new Quantity($"speedEf{ef}", "queries/s", $"graph, ef {ef}"), point.PerSecond);
            points.Add(point);
        }

        foreach (var recall in Recalls)
        {
            if (SpeedAt(points, recall) is { } speed)
            {
                target.Add(AtLeast(recall == 0.95 ? 6000 : 3500, $"speedAt{recall * 100:0}", "queries/s", $"graph, at recall@{K} {recall:0.00}"), speed);
            }
        }
    }

    /// <summary>Between the two points that have the recall between them.</summary>
    private static double? SpeedAt(List<(double Recall, double PerSecond)> points, double recall)
    {
        for (var i = 1; i < points.Count; i++)
        {
            var (low, high) = (points[i - 1], points[i]);
            if (low.Recall <= recall && recall <= high.Recall && low.Recall < high.Recall)
            {
                return low.PerSecond + ((high.PerSecond - low.PerSecond) * (recall - low.Recall) / (high.Recall - low.Recall));
            }
        }

        return null;
    }

    private void Filter(VectorSet set, VectorIndex index, Recorder target, CancellationToken cancellationToken)
    {
        var queries = set.QueryVectors[..Math.Min(Scans, set.QueryVectors.Length)];
        foreach (var share in Shares)
        {
            var filter = FilterOf(index.Rows, share);
            var exact = new VectorSearchOptions { Exact = true, Filter = filter };
            var free = new VectorSearchOptions { Filter = filter };
            var latencies = new double[queries.Length];
            var (found, all) = (0, 0);
            for (var q = 0; q < queries.Length; q++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var start = Stopwatch.GetTimestamp();
                var hits = index.Search(queries[q], K, free);
                latencies[q] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                var wanted = index.Search(queries[q], K, exact);
                found += hits.Intersect(wanted).Count();
                all += wanted.Count;
            }

            var name = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{share * 100:0.###}");
            var tail = share == 0.01 ? AtMost(3, "filter1P99", "ms", "filter that lets 1 % through, p99") : new Quantity($"filter{name}P99", "ms", $"filter that lets {name} % through, p99");
            target.Add(share == 0.01 ? AtLeast(0.99, "filter1Recall", "", $"the same, recall@{K}") : new Quantity($"filter{name}Recall", "", $"the same, recall@{K}"), all == 0 ? 1 : found / (double)all);
            target.AddQuantiles(new Quantity($"filter{name}P50", "ms", "the same, median"), tail, 0.99, latencies);
        }
    }

    private static ulong[] FilterOf(int rows, double share)
    {
        var random = new Random(1);
        var filter = new ulong[(rows + 63) / 64];
        for (var row = 0; row < rows; row++)
        {
            filter[row >> 6] |= random.NextDouble() < share ? 1UL << row : 0;
        }

        return filter;
    }

    private Quantity AtLeast(double value, string name, string unit, string what) => _comparable ? Quantity.AtLeast(value, name, unit, what) : new Quantity(name, unit, what);

    private Quantity AtMost(double value, string name, string unit, string what) => _comparable ? Quantity.AtMost(value, name, unit, what) : new Quantity(name, unit, what);
}
