using RagCluster.Kernel;
using RagCluster.Kernel.Entities;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors.Inference;

/// <summary>Sends texts to an <see cref="EmbeddingActor"/>; when too many wait, callers wait here.</summary>
internal sealed class Embedder(IActorRef<EmbeddingMessage> actor, string model, int dimensions, int maxQueued) : IEmbedder
{
    private readonly Permits _places = new(maxQueued);

    public string Model => model;

    public int Dimensions => dimensions;

    public async ValueTask<IReadOnlyList<Embedding>> EmbedAsync(IReadOnlyList<string> texts, EmbeddingPriority priority, CancellationToken cancellationToken)
    {
        // A question never queues behind documents, not even for a place.
        var counted = priority == EmbeddingPriority.Ingestion;
        if (counted)
        {
            await _places.WaitAsync(cancellationToken);
        }

        try
        {
            var done = new TaskCompletionSource<IReadOnlyList<Embedding>>(TaskCreationOptions.RunContinuationsAsynchronously);
            await actor.TellAsync(new EmbedTexts(texts, priority, done, cancellationToken), cancellationToken);
            return await done.Task.OrCancelled(cancellationToken);
        }
        finally
        {
            if (counted)
            {
                _places.Release();
            }
        }
    }
}
