using Microsoft.Extensions.AI;
using RagCluster.Inference.Capacity;
using RagCluster.Inference.Endpoints;
using RagCluster.Inference.Fairness;
using RagCluster.Inference.Routing;

namespace RagCluster.Actors.Inference;

/// <summary>How requests reach the endpoints.</summary>
public sealed record InferencePolicy
{
    /// <summary>The models that answers may be written with, the best first; empty for whatever the endpoints have.</summary>
    public IReadOnlyList<string> AnswerModels { get; init; } = [];

    /// <summary>How long texts wait for their vectors, all attempts together.</summary>
    public TimeSpan EmbeddingPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an answer may wait for its first token, all attempts together.</summary>
    public TimeSpan AnswerPatience { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Requests for embeddings of people that wait, at most.</summary>
    public int MaxQueuedQueries { get; init; } = 4096;

    /// <summary>Where this node stands; endpoints of the same zone are preferred. Empty is anywhere.</summary>
    public string Zone { get; init; } = "";

    public FairnessOptions Fairness { get; init; } = FairnessOptions.Default;

    public BreakerOptions Breaker { get; init; } = new();

    public WindowOptions Window { get; init; } = new();

    public HedgeOptions Hedge { get; init; } = new();

    public RetryPolicy Retry { get; init; } = new();

    public LookOptions Look { get; init; } = new();

    /// <summary>How often the log is told what was used.</summary>
    public TimeSpan LedgerInterval { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>How often an endpoint is looked at beside its requests.</summary>
public sealed record LookOptions
{
    public TimeSpan WhileWell { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Far below the five seconds in which an endpoint that answers again is to be back.</summary>
    public TimeSpan WhileUnwell { get; init; } = TimeSpan.FromMilliseconds(500);
}

/// <summary>A place where texts are embedded. The client and the server are disposed of with the layer.</summary>
/// <param name="Server">Is asked how it is; null where there is nothing to ask.</param>
public sealed record EmbeddingEndpoint(EndpointProfile Profile, IEmbeddingGenerator<string, Embedding<float>> Client, IModelServer? Server = null);

/// <summary>A place where answers are written. The client and the server are disposed of with the layer.</summary>
/// <inheritdoc cref="EmbeddingEndpoint"/>
public sealed record GenerationEndpoint(EndpointProfile Profile, IChatClient Client, IModelServer? Server = null);

/// <summary>An endpoint as it is at the moment, for operators.</summary>
/// <param name="Purpose">"embedding" or "generation".</param>
/// <param name="State">"up", "down" or "drained".</param>
/// <param name="Reason">Why it is not well; null if it is.</param>
/// <param name="Models">What it offers; null where it does not tell, or has not been asked yet.</param>
/// <param name="Window">Calls that it gets at a time at present, up to the capacity.</param>
/// <param name="Queued">Requests of this purpose that wait on this node for any endpoint.</param>
public sealed record EndpointStatus(
    string Name,
    string Purpose,
    string Provider,
    string Url,
    string Model,
    IReadOnlyList<string>? Models,
    string Zone,
    string Gpu,
    string State,
    string? Reason,
    int Capacity,
    int Window,
    int InFlight,
    long OutstandingTokens,
    int Queued,
    long Succeeded,
    long Failed);
