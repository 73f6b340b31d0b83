using System.Diagnostics;
using System.Text;
using RagCluster.Kafka.Mock;
using RagCluster.Messages.Documents;
using RagCluster.Nodes.Client;
using RagCluster.Nodes.Intake;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>How large the Kafka benchmark is.</summary>
internal sealed record KafkaBenchmarkOptions
{
    /// <summary>Documents of about 1 KB each.</summary>
    public int Documents { get; init; } = 20_000;

    public int Partitions { get; init; } = 8;

    /// <summary>How often the node is killed and started again while it reads; null never kills it.</summary>
    public TimeSpan? KillEvery { get; init; }

    public int Rounds { get; init; } = 3;
}

/// <summary>
/// From a topic to a searchable index: brokers of librdkafka's own in this process, a node in a process of its own that
/// starts with everything in the topic. At the end every document must be there once, in one version, and found.
/// </summary>
internal sealed class KafkaBenchmark(KafkaBenchmarkOptions options, Recorder recorder, TemporaryFolder folder)
{
    private const string Topic = "documents";
    private const int Searches = 50;

    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(10);

    private static readonly Quantity Rate = Quantity.AtLeast(1500, "documents", "documents/s", "from Kafka to searchable");
    private static readonly Quantity KilledRate = Quantity.AtLeast(1500, "documentsKilled", "documents/s", "the same, while the node is killed");
    private static readonly Quantity Kills = new("kills", "kills", "kills of the node meanwhile");
    private static readonly Quantity Busy = Quantity.AtLeast(0.95, "slowestBusy", "share", "slowest step busy, median of looks");
    private static readonly Quantity Load = new("slowestLoad", "share", "its load, median of looks");
    private static readonly Quantity Processor = new("processor", "s", "processor time of the last node process");
    private static readonly Quantity Peak = new("peakMiB", "MiB", "its highest resident memory");

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        recorder.Setting("documents", $"{options.Documents}");
        recorder.Setting("partitions", $"{options.Partitions}");
        recorder.Setting("killEvery", $"{options.KillEvery?.TotalSeconds ?? 0:0} s");
        for (var round = 1; round <= options.Rounds; round++)
        {
            recorder.Say($"round {round} of {options.Rounds}");
            await RoundAsync(folder.New($"round-{round}"), cancellationToken);
        }
    }

    private async Task RoundAsync(string path, CancellationToken cancellationToken)
    {
        using var brokers = new MockBrokers();
        brokers.CreateTopic(Topic, options.Partitions);
        var corpus = GeneratedCorpus.Make(options.Documents * 2).Entries;
        for (var i = 0; i < options.Documents; i++)
        {
            brokers.Produce(Topic, Key(i), Encoding.UTF8.GetBytes(Text(corpus, i)));
        }

        brokers.Flush();
        var node = await StartAsync(path, brokers, cancellationToken);
        try
        {
            using var http = new HttpClient();
            var (watch, sinceKill, kills) = (Stopwatch.StartNew(), Stopwatch.StartNew(), 0);
            var (busy, load) = (new List<double>(), new List<double>());
            while (await OpenAsync(node, kills > 0, cancellationToken))
            {
                if (watch.Elapsed > Patience)
                {
                    throw new InvalidDataException($"After {Patience} not every document is indexed.");
                }

                if (options.KillEvery is { } every && sinceKill.Elapsed > every)
                {
                    await node.KillAsync(cancellationToken);
                    await node.DisposeAsync();
                    node = await StartAsync(path, brokers, cancellationToken);
                    kills++;
                    sinceKill.Restart();
                }

                await Task.Delay(Poll, cancellationToken);
                if (await node.IngestAsync(http, cancellationToken) is { Slowest: { } slowest } status && status.Steps.First(s => s.Name == slowest) is { } step)
                {
                    busy.Add(step.Busy);
                    load.Add(step.Load);
                }
            }

            recorder.Add(kills > 0 ? KilledRate : Rate, options.Documents / watch.Elapsed.TotalSeconds);
            if (options.KillEvery is not null)
            {
                recorder.Add(Kills, kills);
            }

            if (busy.Count > 0)
            {
                recorder.Add(Busy, busy.Order().ElementAt(busy.Count / 2));
                recorder.Add(Load, load.Order().ElementAt(load.Count / 2));
            }

            recorder.Add(Processor, node.ProcessorTime.TotalSeconds);
            recorder.Add(Peak, node.PeakResidentMiB);
            await CheckAsync(node.Url, cancellationToken);
            await node.StopAsync(cancellationToken);
        }
        finally
        {
            await node.DisposeAsync();
        }

        Directory.Delete(path, recursive: true);
    }

    private static string Key(int i) => $"doc-{i}";

    /// <summary>About 1 KB, with a word of its own.</summary>
    private static string Text(IReadOnlyList<CorpusEntry> corpus, int i) => $"Case file{i}x. {corpus[2 * i].Text} {corpus[(2 * i) + 1].Text}";

    private static Task<NodeProcess> StartAsync(string path, MockBrokers brokers, CancellationToken cancellationToken) => NodeProcess.StartAsync(
        path,
        samples: false,
        cancellationToken,
        [
            $"ragcluster.kafka.bootstrap-servers=[\"{brokers.BootstrapServers}\"]",
            $"ragcluster.kafka.consume.topics=[{Topic}]",

            // The mock has no static members: who was killed is one until its session ends. It throws out whose is below 3 s.
            "ragcluster.kafka.consume.session-timeout=4s",
        ]);

    /// <summary>Whether something is still to be read or indexed. Documents are counted in the list where a kill took the counters along.</summary>
    private async Task<bool> OpenAsync(NodeProcess node, bool wasKilled, CancellationToken cancellationToken)
    {
        using var http = new HttpClient();
        if (await node.IngestAsync(http, cancellationToken) is not { } status)
        {
            return true;
        }

        if (!wasKilled)
        {
            return status.Steps.First(s => s.Name == "index").Done < options.Documents;
        }

        if (status.Slowest is not null || status.Sources.Any(s => s.InFlight > 0) || status.Steps.Any(s => s.Working + s.Waiting > 0))
        {
            return true;
        }

        using var client = new NodeClient(node.Url, null, null);
        return (await RowsAsync(client, cancellationToken)).Count(r => r.Status == DocumentStatus.Indexed) < options.Documents;
    }

    /// <exception cref="InvalidDataException">A document is missing, twice there, or not found.</exception>
    private async Task CheckAsync(Uri url, CancellationToken cancellationToken)
    {
        using var client = new NodeClient(url, null, null);
        var rows = await RowsAsync(client, cancellationToken);
        if (rows.Count != options.Documents || rows.Any(r => r.Version != 1 || r.Status != DocumentStatus.Indexed))
        {
            throw new InvalidDataException($"Of {options.Documents} documents there are {rows.Count}, of which {rows.Count(r => r.Version != 1)} have another version than the first and {rows.Count(r => r.Status != DocumentStatus.Indexed)} are not indexed.");
        }

        for (var n = 0; n < Searches; n++)
        {
            var i = (int)((long)n * options.Documents / Searches);
            var found = await client.SearchAsync($"file{i}x", 10, "lexical", cancellationToken);
            var expected = SourceIdentity.Of($"kafka:{Topic}/key/{Key(i)}");
            if (found.Passages.Count(p => p.Text.Contains($"file{i}x", StringComparison.Ordinal)) != 1 || found.Passages.All(p => p.Document != expected))
            {
                throw new InvalidDataException($"The word of {Key(i)} is found {found.Passages.Count} times, which should be once.");
            }
        }
    }

    private static async Task<List<Actors.Catalog.DocumentRow>> RowsAsync(NodeClient client, CancellationToken cancellationToken)
    {
        var rows = new List<Actors.Catalog.DocumentRow>();
        string? after = null;
        do
        {
            var page = await client.ListDocumentsAsync(null, after, cancellationToken);
            rows.AddRange(page.Documents);
            after = page.Next;
        }
        while (after is not null);
        return rows;
    }
}
