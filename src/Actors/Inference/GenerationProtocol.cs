using RagCluster.Inference;
using RagCluster.Inference.Routing;

namespace RagCluster.Actors.Inference;

/// <summary>What a generation actor is told.</summary>
internal abstract record GenerationMessage;

/// <summary>Somebody wants a place at an endpoint; <see cref="PlaceRequest.Granted"/> completes when there is one.</summary>
internal sealed record WantPlace(PlaceRequest Request) : GenerationMessage;

/// <summary>Whoever wanted a place has gone before it got one.</summary>
internal sealed record PlaceNotWanted(PlaceRequest Request) : GenerationMessage;

/// <summary>The endpoint has begun to answer.</summary>
internal sealed record PlaceAnswers(Place Place, TimeSpan FirstToken) : GenerationMessage;

/// <summary>A place is free again.</summary>
internal sealed record PlaceLeft(Place Place, PlaceOutcome Outcome) : GenerationMessage;

internal sealed record GenerationEndpointObserved(int Index, EndpointObservation Found) : GenerationMessage;

internal sealed record DrainGeneration(string Name, bool Drained, TaskCompletionSource<bool> Done) : GenerationMessage;

internal sealed record DescribeGeneration(TaskCompletionSource<IReadOnlyList<EndpointStatus>> Done) : GenerationMessage;

/// <summary>Would a request of this tenant be let in?</summary>
internal sealed record WouldRefuse(string Tenant, TaskCompletionSource<InferenceException?> Done) : GenerationMessage;

internal sealed record WriteGenerationLedger : GenerationMessage;

/// <summary>What a place is wanted for. Each is itself only.</summary>
internal sealed class PlaceRequest(string tenant, int promptTokens, ulong affinity, IReadOnlyCollection<EndpointState> tried, TimeSpan patience, bool continues)
{
    public string Tenant => tenant;

    public int PromptTokens => promptTokens;

    public ulong Affinity => affinity;

    /// <summary>Where it failed already.</summary>
    public IReadOnlyCollection<EndpointState> Tried => tried;

    public TimeSpan Patience => patience;

    /// <summary>The prompt ends with a part of the answer: only for endpoints that go on with it.</summary>
    public bool Continues => continues;

    public TimeSpan Since { get; set; }

    public TaskCompletionSource<Place> Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
}

/// <summary>The right to have one answer written at an endpoint.</summary>
internal sealed class Place(GenerationEndpoint target, EndpointState endpoint, PlaceRequest request, long tokens)
{
    public GenerationEndpoint Target => target;

    public EndpointState Endpoint => endpoint;

    public PlaceRequest Request => request;

    /// <summary>What it was expected to take, prompt and answer together.</summary>
    public long Tokens => tokens;
}

/// <param name="Failure">Null if it ended well, or was abandoned.</param>
/// <param name="Input">Tokens read, as the endpoint says, or estimated.</param>
/// <param name="Output">Tokens written.</param>
internal sealed record PlaceOutcome(InferenceException? Failure, bool IsAbandoned, long Input, long Output, TimeSpan Time);
