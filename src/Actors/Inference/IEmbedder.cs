using RagCluster.Messages;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors.Inference;

/// <summary>Embeds texts with the tenant's model, batched together with what others want at the same moment.</summary>
public interface IEmbedder
{
    /// <summary>Names the model; recorded with every vector, because vectors of different models are not comparable.</summary>
    string Model { get; }

    int Dimensions { get; }

    /// <summary>One vector for each text, in order.</summary>
    /// <exception cref="RagCluster.Inference.InferenceException">The endpoint failed; its code says how.</exception>
    ValueTask<IReadOnlyList<Embedding>> EmbedAsync(IReadOnlyList<string> texts, EmbeddingPriority priority, CancellationToken cancellationToken);

    /// <inheritdoc cref="EmbedAsync(IReadOnlyList{string}, EmbeddingPriority, CancellationToken)"/>
    /// <param name="tenant">On whose account; tenants share the endpoints by what they are entitled to.</param>
    ValueTask<IReadOnlyList<Embedding>> EmbedAsync(IReadOnlyList<string> texts, EmbeddingPriority priority, TenantId? tenant, CancellationToken cancellationToken) =>
        EmbedAsync(texts, priority, cancellationToken);
}

/// <summary>Who waits for an embedding.</summary>
public enum EmbeddingPriority
{
    /// <summary>A person, with a question: goes first.</summary>
    Interactive,

    /// <summary>A document on its way in.</summary>
    Ingestion,
}
