using Microsoft.Extensions.AI;
using RagCluster.Inference;

namespace RagCluster.Actors.Inference;

using Vector = Messages.Partitions.Embedding;

/// <summary>Asks an endpoint without batching: a model that is used little, such as the one before the current one.</summary>
internal sealed class DirectEmbedder(IEmbeddingGenerator<string, Embedding<float>> endpoint, string model, int dimensions) : IEmbedder
{
    public string Model => model;

    public int Dimensions => dimensions;

    public async ValueTask<IReadOnlyList<Vector>> EmbedAsync(IReadOnlyList<string> texts, EmbeddingPriority priority, CancellationToken cancellationToken)
    {
        var embeddings = await endpoint.GenerateAsync(texts, null, cancellationToken);
        return embeddings.Count == texts.Count
            ? [.. embeddings.Select(e => Vector.Of(e.Vector.Span))]
            : throw new InferenceException(InferenceErrorCode.BadResponse, $"The endpoint gave {embeddings.Count} vectors for {texts.Count} texts.");
    }
}
