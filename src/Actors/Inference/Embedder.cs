using RagCluster.Inference;
using RagCluster.Inference.Accounting;
using RagCluster.Kernel;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors.Inference;

/// <summary>
/// Sends texts to an <see cref="EmbeddingActor"/>; when too many wait, callers wait here. A person's query is asked again
/// while there is time, because no endpoint answers for a moment now and then; documents have retries of their own.
/// </summary>
internal sealed class Embedder(IActorRef<EmbeddingMessage> actor, string model, int dimensions, int maxQueued, InferencePolicy policy, IRuntime runtime) : IEmbedder
{
    private readonly Permits _places = new(maxQueued);

    public string Model => model;

    public int Dimensions => dimensions;

    public ValueTask<IReadOnlyList<Embedding>> EmbedAsync(IReadOnlyList<string> texts, EmbeddingPriority priority, CancellationToken cancellationToken) =>
        EmbedAsync(texts, priority, null, cancellationToken);

    public async ValueTask<IReadOnlyList<Embedding>> EmbedAsync(IReadOnlyList<string> texts, EmbeddingPriority priority, TenantId? tenant, CancellationToken cancellationToken)
    {
        // A question never queues behind documents, not even for a place.
        if (priority == EmbeddingPriority.Interactive)
        {
            return await EmbedPatientlyAsync(texts, tenant, cancellationToken);
        }

        await _places.WaitAsync(cancellationToken);
        try
        {
            return await EmbedOnceAsync(texts, priority, tenant, cancellationToken);
        }
        finally
        {
            _places.Release();
        }
    }

    private async Task<IReadOnlyList<Embedding>> EmbedPatientlyAsync(IReadOnlyList<string> texts, TenantId? tenant, CancellationToken cancellationToken)
    {
        var started = runtime.Time.GetTimestamp();
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await EmbedOnceAsync(texts, EmbeddingPriority.Interactive, tenant, cancellationToken);
            }
            catch (InferenceException e) when (!e.IsRefusal
                && policy.Retry.Next(e, attempt, false, policy.EmbeddingPatience - runtime.Time.GetElapsedTime(started), runtime.Random.NextDouble()) is { } wait)
            {
                InferenceMeter.Retried("embedding");
                await Task.Delay(wait, runtime.Time, cancellationToken);
            }
        }
    }

    private async Task<IReadOnlyList<Embedding>> EmbedOnceAsync(IReadOnlyList<string> texts, EmbeddingPriority priority, TenantId? tenant, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource<IReadOnlyList<Embedding>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var message = new EmbedTexts(texts, priority, tenant?.Value ?? "", done, cancellationToken);
        await actor.TellAsync(message, cancellationToken);
        try
        {
            return await done.Task.OrCancelled(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Not told if the mailbox is full: then the actor finds out when the turn of these texts comes.
            actor.TryTell(new EmbedAbandoned(message));
            throw;
        }
    }
}
