using System.Diagnostics;
using RagCluster.Nodes.Client;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>How large the ingest benchmark is.</summary>
internal sealed record IngestBenchmarkOptions
{
    public required Corpus Corpus { get; init; }

    public int Rounds { get; init; } = 3;
}

/// <summary>
/// A node's beginning and its return: from an empty folder to a searchable corpus, every document durable, embedded and
/// indexed; then how fast a node is back on that folder, and what it keeps in memory. Each round has a fresh folder.
/// </summary>
internal sealed class IngestBenchmark(IngestBenchmarkOptions options, Recorder recorder, TemporaryFolder folder)
{
    /// <summary>Searches before the memory of a node that is back is looked at: an unused node tells little.</summary>
    private const int Searches = 200;

    private static readonly Quantity ReadyEmpty = Quantity.AtMost(1.5, "readyEmpty", "s", "start to ready, empty folder");
    private static readonly Quantity ReadySamples = new("readySamples", "s", "start to ready, with the samples taken in");
    private static readonly Quantity Searchable = Quantity.AtMost(15, "searchable", "s", "start to all documents searchable");
    private static readonly Quantity Rate = new("documents", "documents/s", "documents, from ready to searchable");
    private static readonly Quantity Chunks = new("chunks", "chunks", "chunks indexed");
    private static readonly Quantity ProcessorTime = new("processor", "s", "processor time of the node for it");
    private static readonly Quantity Peak = new("peakMiB", "MiB", "highest resident memory while taking in");
    private static readonly Quantity ReadyStopped = Quantity.AtMost(4, "readyStopped", "s", "start to ready with this data, after a stop");
    private static readonly Quantity ReadyKilled = Quantity.AtMost(4, "readyKilled", "s", "start to ready with this data, after a kill");
    private static readonly Quantity Resident = Quantity.AtMost(350, "residentMiB", "MiB", "resident memory with this data, after searches");
    private static readonly Quantity Search = new("searchP50", "ms", "search over HTTP, one after another, median");
    private static readonly Quantity Disk = new("diskMiB", "MiB", "data folder");

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        recorder.Setting("corpus", $"{options.Corpus.Name}");
        recorder.Setting("documents", $"{options.Corpus.Entries.Count}");
        for (var round = 1; round <= options.Rounds; round++)
        {
            recorder.Say($"round {round} of {options.Rounds}");
            await RoundAsync(folder.New($"round-{round}"), cancellationToken);
        }
    }

    private async Task RoundAsync(string path, CancellationToken cancellationToken)
    {
        await using (var sampled = await NodeProcess.StartAsync(path + "-samples", samples: true, cancellationToken))
        {
            recorder.Add(ReadySamples, sampled.ReadyAfter.TotalSeconds);
        }

        var watch = Stopwatch.StartNew();
        await using (var node = await NodeProcess.StartAsync(path, samples: false, cancellationToken))
        {
            recorder.Add(ReadyEmpty, node.ReadyAfter.TotalSeconds);
            var chunks = await CorpusIntake.RunAsync(node.Url, options.Corpus, cancellationToken);
            var seconds = watch.Elapsed.TotalSeconds;
            recorder.Add(Searchable, seconds);
            recorder.Add(Rate, options.Corpus.Entries.Count / (seconds - node.ReadyAfter.TotalSeconds));
            recorder.Add(Chunks, chunks);
            recorder.Add(ProcessorTime, node.ProcessorTime.TotalSeconds);
            recorder.Add(Peak, node.PeakResidentMiB);
            await node.KillAsync(cancellationToken);
        }

        await using (var node = await NodeProcess.StartAsync(path, samples: false, cancellationToken))
        {
            recorder.Add(ReadyKilled, node.ReadyAfter.TotalSeconds);
            await node.StopAsync(cancellationToken);
        }

        await using (var node = await NodeProcess.StartAsync(path, samples: false, cancellationToken))
        {
            recorder.Add(ReadyStopped, node.ReadyAfter.TotalSeconds);
            recorder.Add(Search, await SearchAsync(node.Url, cancellationToken));
            recorder.Add(Resident, node.ResidentMiB);
            await node.StopAsync(cancellationToken);
        }

        recorder.Add(Disk, new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length) / (1024.0 * 1024));
        Directory.Delete(path, recursive: true);
    }

    /// <summary>The median time of a search, in ms; also proves that what was taken in is still found.</summary>
    /// <exception cref="InvalidDataException">Something is no longer found.</exception>
    private async Task<double> SearchAsync(Uri url, CancellationToken cancellationToken)
    {
        using var client = new NodeClient(url, null, null);
        var entries = options.Corpus.Entries;
        var times = new double[Searches];
        for (var i = 0; i < Searches; i++)
        {
            var entry = entries[(int)((long)i * entries.Count / Searches)];
            var start = Stopwatch.GetTimestamp();
            var found = await client.SearchAsync(entry.Question, 8, "hybrid", cancellationToken);
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            if (found.Passages.Count == 0)
            {
                throw new InvalidDataException($"A search for \"{entry.Question}\" finds nothing in the node that came back.");
            }
        }

        Array.Sort(times);
        return Quantiles.OfSorted(times, 0.5);
    }
}
