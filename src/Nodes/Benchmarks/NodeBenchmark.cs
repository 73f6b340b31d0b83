using System.Diagnostics;
using System.Globalization;
using System.Net.Http.Json;

namespace RagCluster.Nodes.Benchmarks;

/// <summary>How large the benchmark of a node's memory is.</summary>
internal sealed record NodeBenchmarkOptions
{
    public int Conversations { get; init; } = 110_000;

    public int Live { get; init; } = 10_000;

    public int Clients { get; init; } = 32;
}

/// <summary>
/// What a node holds for its conversations: as many as configured are in memory, the others in the journal only. Each is
/// made by a question over HTTP that is answered from a handful of documents.
/// </summary>
internal sealed class NodeBenchmark(NodeBenchmarkOptions options, Recorder recorder, TemporaryFolder folder)
{
    private static readonly TimeSpan s_rest = TimeSpan.FromSeconds(15);

    private static readonly Quantity Empty = new("emptyMiB", "MiB", "resident memory of the node without conversations");
    private static readonly Quantity Peak = new("peakMiB", "MiB", "resident memory, at most");
    private static readonly Quantity Resident = Quantity.AtMost(400, "residentMiB", "MiB", "resident memory with all conversations, at rest");
    private static readonly Quantity Rate = new("questions", "questions/s", "questions answered meanwhile, one for each conversation");

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        recorder.Setting("conversations", $"{options.Conversations}");
        recorder.Setting("live", $"{options.Live}");
        await using var node = await NodeProcess.StartAsync(
            folder.New("node"),
            samples: true,
            cancellationToken,
            string.Create(CultureInfo.InvariantCulture, $"ragcluster.conversations.max-live={options.Live}"),
            "ragcluster.conversations.passivate-after=1d",
            "ragcluster.limits.requests-per-second=100000",
            "ragcluster.limits.burst=100000");
        recorder.Add(Empty, node.ResidentMiB);
        var watch = Stopwatch.StartNew();
        var next = -1;
        using var http = new HttpClient { BaseAddress = node.Url };
        await Task.WhenAll(Enumerable.Range(0, options.Clients).Select(async _ =>
        {
            for (int n; (n = Interlocked.Increment(ref next)) < options.Conversations;)
            {
                await AskAsync(http, n, cancellationToken);
                if (n % 10_000 == 9_999)
                {
                    recorder.Say(string.Create(CultureInfo.InvariantCulture, $"{n + 1} conversations, {node.ResidentMiB:0} MiB"));
                }
            }
        }));
        recorder.Add(Rate, options.Conversations / watch.Elapsed.TotalSeconds);
        await Task.Delay(s_rest, cancellationToken);
        recorder.Add(Peak, node.PeakResidentMiB);
        recorder.Add(Resident, node.ResidentMiB);
        await node.StopAsync(cancellationToken);
    }

    private static async Task AskAsync(HttpClient http, int number, CancellationToken cancellationToken)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"/api/v1/conversations/talk-{number}/messages");
        using var body = JsonContent.Create(new { text = "How long is the free look period?", wait = true });
        using var answer = await http.PostAsync(new Uri(path, UriKind.Relative), body, cancellationToken);
        if (!answer.IsSuccessStatusCode)
        {
            throw new InvalidDataException($"A question was refused: {await answer.Content.ReadAsStringAsync(cancellationToken)}");
        }
    }
}
