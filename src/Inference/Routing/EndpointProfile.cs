using RagCluster.Inference.Endpoints;

namespace RagCluster.Inference.Routing;

/// <summary>One place where a model runs: what a router has to know of it.</summary>
/// <param name="Name">Unique among the endpoints of a purpose; for logs, metrics and commands.</param>
public sealed record EndpointProfile(string Name, EndpointOptions Options)
{
    /// <summary>Calls at a time that it takes, at most.</summary>
    public int Capacity { get; init; } = 8;

    /// <summary>Its share of the work beside the others': one of weight 2 gets twice as much.</summary>
    public double Weight { get; init; } = 1;

    /// <summary>Where it stands; endpoints of the caller's own zone are preferred. Empty is everywhere.</summary>
    public string Zone { get; init; } = "";

    /// <summary>The device behind it, for people: "node-7/0", or what CUDA_VISIBLE_DEVICES says.</summary>
    public string Gpu { get; init; } = "";

    /// <summary>Whether it goes on with an answer that the prompt ends with, as vLLM and Ollama do; then a cut one need not be begun again.</summary>
    public bool Continues { get; init; }

    public string Model => Options.Model;
}
