using System.Diagnostics;
using RagCluster.Actors.Inference;
using RagCluster.Inference.Batching;
using RagCluster.Inference.Endpoints;
using RagCluster.Inference.Prompting;
using RagCluster.Inference.Routing;
using RagCluster.Kernel;
using RagCluster.Messages;

namespace RagCluster.Nodes.Benchmarks.Inference;

/// <summary>How large the inference benchmark is.</summary>
internal sealed record InferenceBenchmarkOptions
{
    /// <summary>The stand-in's file; null looks for it.</summary>
    public string? StandIn { get; init; }

    /// <summary>Of each measurement.</summary>
    public TimeSpan Length { get; init; } = TimeSpan.FromSeconds(5);

    public int Rounds { get; init; } = 3;

    /// <summary>overhead, batching, fairness, failover, or all.</summary>
    public string Part { get; init; } = "all";
}

/// <summary>The way from a caller to a model server and back, with a stand-in for the server in processes of its own.</summary>
internal sealed partial class InferenceBenchmark(InferenceBenchmarkOptions options, Recorder recorder, TemporaryFolder folder)
{
    private const string Model = "stand-in";

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        recorder.Setting("seconds", $"{options.Length.TotalSeconds}");
        (string Part, Func<Recorder, CancellationToken, Task> Run)[] parts =
        [
            ("overhead", OverheadAsync),
            ("batching", BatchingAsync),
            ("fairness", FairnessAsync),
            ("failover", FailoverAsync),
        ];
        foreach (var (part, run) in parts.Where(p => options.Part == "all" || options.Part == p.Part))
        {
            for (var round = 1; round <= options.Rounds; round++)
            {
                recorder.Say($"{part}: round {round} of {options.Rounds}");
                await run(recorder, cancellationToken);
            }
        }
    }

    private static EndpointOptions Endpoint(Uri url) => new() { Kind = EndpointOptions.OpenAi, Url = new Uri(url, "/v1").ToString(), Model = Model };

    /// <summary>The inference actors alone, as a node has them.</summary>
    private static (ActorSystem System, InferenceLayer Layer) Layer(
        IReadOnlyList<Uri> servers, int answers, int batches, BatchLimits? limits = null, InferencePolicy? policy = null, EndpointFactory? factory = null)
    {
        var made = factory ?? new EndpointFactory(TimeProvider.System);
        var system = new ActorSystem("inference", SystemRuntime.Instance);
        var layer = InferenceLayer.Start(
            system,
            new InferenceLayerOptions { EmbeddingBatches = limits ?? new BatchLimits { Capacity = int.MaxValue }, MaxQueuedEmbeddings = 100_000, MaxQueuedAnswers = 256, Policy = policy ?? new InferencePolicy() },
            [.. servers.Select((u, i) => new EmbeddingEndpoint(new EndpointProfile($"embedding-{i + 1}", Endpoint(u)) { Capacity = batches }, made.CreateEmbedder(Endpoint(u)), made.CreateServer(Endpoint(u))))],
            [.. servers.Select((u, i) => new GenerationEndpoint(new EndpointProfile($"generation-{i + 1}", Endpoint(u)) { Capacity = answers, Continues = true }, made.CreateChatClient(Endpoint(u)), made.CreateServer(Endpoint(u))))]);
        return (system, layer);
    }

    private static async Task EndAsync((ActorSystem System, InferenceLayer Layer) running)
    {
        await running.System.TerminateAsync(TimeSpan.FromSeconds(2));
        await running.Layer.DisposeAsync();
    }

    /// <summary>Reads an answer to its end.</summary>
    /// <returns>Milliseconds to its first piece.</returns>
    private static async Task<double> AnswerAsync(IGenerator generator, GroundedPrompt prompt, string tenant, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        var first = -1d;
        var last = "";
        await foreach (var piece in generator.GenerateAsync(prompt, new GenerationCall { Tenant = TenantId.Of(tenant) }, cancellationToken))
        {
            first = first < 0 ? watch.Elapsed.TotalMilliseconds : first;
            last = piece;
        }

        return last.EndsWith("[1].", StringComparison.Ordinal) ? first : throw new InvalidDataException($"An answer ended with \"{last}\": it is not whole.");
    }

    private static GroundedPrompt Prompt(int number, int characters)
    {
        var text = $"{number}: " + string.Concat(Enumerable.Repeat("The grace period of the policy is thirty-one days. ", (characters / 51) + 1))[..characters];
        return new GroundedPrompt(text, []);
    }
}
