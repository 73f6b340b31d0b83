namespace RagCluster.Actors.Inference;

using Vector = Messages.Partitions.Embedding;

/// <summary>What an embedding actor is told.</summary>
internal abstract record EmbeddingMessage;

/// <summary>Texts to embed; the result goes to <paramref name="Done"/>.</summary>
internal sealed record EmbedTexts(
    IReadOnlyList<string> Texts, EmbeddingPriority Priority, string Tenant, TaskCompletionSource<IReadOnlyList<Vector>> Done, CancellationToken Abandoned) : EmbeddingMessage
{
    /// <summary>The actor's own; nobody else touches it.</summary>
    public EmbeddingRequest? Request { get; set; }
}

/// <summary>Whoever wanted these texts has gone.</summary>
internal sealed record EmbedAbandoned(EmbedTexts Message) : EmbeddingMessage;

/// <summary>The first waiting text has waited long enough for company.</summary>
internal sealed record BatchDue : EmbeddingMessage;

/// <summary>A call takes so long that a second endpoint may be quicker.</summary>
internal sealed record HedgeDue(EmbeddingCall Call) : EmbeddingMessage;

internal sealed record CallEnded(EmbeddingCall Call, IReadOnlyList<Vector>? Vectors, Exception? Failure) : EmbeddingMessage;

internal sealed record EmbeddingEndpointObserved(int Index, EndpointObservation Found) : EmbeddingMessage;

internal sealed record DrainEmbedding(string Name, bool Drained, TaskCompletionSource<bool> Done) : EmbeddingMessage;

internal sealed record DescribeEmbedding(TaskCompletionSource<IReadOnlyList<EndpointStatus>> Done) : EmbeddingMessage;

internal sealed record WriteEmbeddingLedger : EmbeddingMessage;
