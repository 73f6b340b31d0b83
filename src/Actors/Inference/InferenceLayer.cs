using Microsoft.Extensions.AI;
using RagCluster.Inference.Batching;
using RagCluster.Inference.Endpoints;
using RagCluster.Kernel;
using RagCluster.Kernel.Entities;

namespace RagCluster.Actors.Inference;

/// <summary>How the inference of a node runs.</summary>
public sealed record InferenceLayerOptions
{
    public BatchLimits EmbeddingBatches { get; init; } = new();

    /// <summary>How many requests of documents wait for the embedding endpoints before further documents wait.</summary>
    public int MaxQueuedEmbeddings { get; init; } = 256;

    public int MaxQueuedAnswers { get; init; } = 256;

    public int MaxOutputTokens { get; init; } = 800;

    public float Temperature { get; init; } = 0.1f;

    public InferencePolicy Policy { get; init; } = new();
}

/// <summary>The inference actors of a node, and the doors to them.</summary>
public sealed class InferenceLayer : IAsyncDisposable
{
    private readonly IActorRef<EmbeddingMessage> _embedding;
    private readonly IActorRef<GenerationMessage> _generation;
    private readonly IReadOnlyList<IDisposable?> _clients;

    private InferenceLayer(IActorRef<EmbeddingMessage> embedding, IActorRef<GenerationMessage> generation, IReadOnlyList<IDisposable?> clients) =>
        (_embedding, _generation, _clients) = (embedding, generation, clients);

    public required IEmbedder Embedder { get; init; }

    public required IGenerator Generator { get; init; }

    /// <param name="embeddings">At least one, all of the same model.</param>
    /// <param name="generations">At least one.</param>
    public static InferenceLayer Start(
        ActorSystem system, InferenceLayerOptions options, IReadOnlyList<EmbeddingEndpoint> embeddings, IReadOnlyList<GenerationEndpoint> generations)
    {
        ArgumentOutOfRangeException.ThrowIfZero(embeddings.Count);
        ArgumentOutOfRangeException.ThrowIfZero(generations.Count);
        var policy = options.Policy;
        var gauges = new InferenceGauges();
        var embedding = system.Spawn("embedding", () => new EmbeddingActor(embeddings, options.EmbeddingBatches, policy, gauges));
        var generation = system.Spawn("generation", () => new GenerationActor(generations, options.MaxQueuedAnswers, Math.Max(1, options.MaxOutputTokens / 4), policy, gauges));
        var (model, dimensions) = Describe(embeddings[0].Client, embeddings[0].Profile.Options);
        return new InferenceLayer(
            embedding,
            generation,
            [gauges, .. embeddings.SelectMany(e => new IDisposable?[] { e.Client, e.Server }), .. generations.SelectMany(e => new IDisposable?[] { e.Client, e.Server })])
        {
            Embedder = new Embedder(embedding, model, dimensions, options.MaxQueuedEmbeddings, policy, system.Runtime),
            Generator = new Generator(
                generation,
                policy.AnswerModels.Count > 0 ? policy.AnswerModels[0] : Describe(generations[0].Client, generations[0].Profile.Options),
                new ChatOptions { MaxOutputTokens = options.MaxOutputTokens, Temperature = options.Temperature },
                generations.Count,
                policy,
                system.Runtime),
        };
    }

    /// <summary>All endpoints as this node sees them.</summary>
    public async ValueTask<IReadOnlyList<EndpointStatus>> DescribeAsync(CancellationToken cancellationToken)
    {
        var embedding = new TaskCompletionSource<IReadOnlyList<EndpointStatus>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var generation = new TaskCompletionSource<IReadOnlyList<EndpointStatus>>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _embedding.TellAsync(new DescribeEmbedding(embedding), cancellationToken);
        await _generation.TellAsync(new DescribeGeneration(generation), cancellationToken);
        return [.. await embedding.Task.OrCancelled(cancellationToken), .. await generation.Task.OrCancelled(cancellationToken)];
    }

    /// <summary>Takes an endpoint out of service on this node, or back in; what is under way there goes on. False if there is none of that name.</summary>
    public async ValueTask<bool> SetDrainedAsync(string name, bool drained, CancellationToken cancellationToken)
    {
        var embedding = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var generation = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _embedding.TellAsync(new DrainEmbedding(name, drained, embedding), cancellationToken);
        await _generation.TellAsync(new DrainGeneration(name, drained, generation), cancellationToken);
        return await embedding.Task.OrCancelled(cancellationToken) | await generation.Task.OrCancelled(cancellationToken);
    }

    public ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
        {
            client?.Dispose();
        }

        return ValueTask.CompletedTask;
    }

    private static (string Model, int Dimensions) Describe(IEmbeddingGenerator<string, Embedding<float>> embeddings, EndpointOptions options) =>
        embeddings.GetService(typeof(EmbeddingGeneratorMetadata)) is EmbeddingGeneratorMetadata metadata
            ? (metadata.DefaultModelId ?? options.Model, metadata.DefaultModelDimensions ?? options.Dimensions)
            : (options.Model, options.Dimensions);

    private static string Describe(IChatClient chat, EndpointOptions options) =>
        (chat.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata)?.DefaultModelId ?? options.Model;
}
