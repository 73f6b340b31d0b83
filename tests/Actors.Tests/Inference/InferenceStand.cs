using System.Text;
using RagCluster.Actors.Inference;
using RagCluster.Inference.Batching;
using RagCluster.Inference.Endpoints;
using RagCluster.Inference.Fairness;
using RagCluster.Inference.Prompting;
using RagCluster.Inference.Routing;
using RagCluster.InferenceStandIn;
using RagCluster.Kernel;
using RagCluster.Messages;

namespace RagCluster.Actors.Tests.Inference;

/// <summary>The inference actors with model servers that behave as told.</summary>
internal sealed class InferenceStand : IAsyncDisposable
{
    private readonly ActorSystem _system = new("inference", SystemRuntime.Instance);

    public List<StandInServer> Servers { get; } = [];

    public InferenceLayer Layer { get; private set; } = null!;

    /// <param name="models">Of each endpoint's answers, the best first; null gives all the same.</param>
    public static async Task<InferenceStand> StartAsync(
        int count, string[]? models = null, bool continues = false, TimeSpan? delay = null, int maxQueued = 256, FairnessOptions? fairness = null)
    {
        var stand = new InferenceStand();
        for (var i = 0; i < count; i++)
        {
            stand.Servers.Add(await StandInServer.StartAsync(new Behaviour { Models = ["m", "large", "small"], Dimensions = 16, AnswerTokens = 12 }));
        }

        var factory = new EndpointFactory(TimeProvider.System);
        EndpointOptions Options(int i, string model) => new() { Kind = EndpointOptions.OpenAi, Url = stand.Servers[i].Url + "/v1", Model = model };
        stand.Layer = InferenceLayer.Start(
            stand._system,
            new InferenceLayerOptions
            {
                EmbeddingBatches = new BatchLimits { MaxDelay = delay ?? TimeSpan.FromMilliseconds(1), Capacity = int.MaxValue },
                MaxQueuedAnswers = maxQueued,
                Policy = new InferencePolicy
                {
                    AnswerModels = models ?? [],
                    Fairness = fairness ?? FairnessOptions.Default,
                    Look = new LookOptions { WhileUnwell = TimeSpan.FromMilliseconds(100) },
                    Hedge = new HedgeOptions { Budget = 0.5 },
                },
            },
            [.. Enumerable.Range(0, count).Select(i => Options(i, "m")).Select((o, i) => new EmbeddingEndpoint(new EndpointProfile($"e{i}", o) { Capacity = 2 }, factory.CreateEmbedder(o), factory.CreateServer(o)))],
            [.. Enumerable.Range(0, count).Select(i => Options(i, models?[i] ?? "m")).Select((o, i) => new GenerationEndpoint(new EndpointProfile($"g{i}", o) { Continues = continues }, factory.CreateChatClient(o), factory.CreateServer(o)))]);
        return stand;
    }

    public void ForAll(Func<Behaviour, Behaviour> change) => Servers.ForEach(s => s.Behaviour = change(s.Behaviour));

    public async Task StopAsync(int index) => await Servers[index].DisposeAsync();

    /// <summary>At the same address.</summary>
    public async Task RestartAsync(int index) => Servers[index] = await StandInServer.StartAsync(Servers[index].Behaviour, new Uri(Servers[index].Address).Port);

    public async Task<string> AnswerAsync(string tenant = "t", CancellationToken cancellation = default)
    {
        var text = new StringBuilder();
        await foreach (var piece in Layer.Generator.GenerateAsync(new GroundedPrompt("How long is the grace period?", []), new GenerationCall { Tenant = TenantId.Of(tenant) }, cancellation))
        {
            text.Append(piece);
        }

        return text.ToString();
    }

    /// <summary>An answer, and where it came from.</summary>
    public async Task<GenerationCall> CallAsync()
    {
        var call = new GenerationCall { Tenant = TenantId.Of("t") };
        await foreach (var _ in Layer.Generator.GenerateAsync(new GroundedPrompt("How long is the grace period?", []), call, CancellationToken.None))
        {
        }

        return call;
    }

    public async ValueTask DisposeAsync()
    {
        await _system.TerminateAsync(TimeSpan.FromSeconds(2));
        await Layer.DisposeAsync();
        foreach (var server in Servers)
        {
            await server.DisposeAsync();
        }
    }
}
