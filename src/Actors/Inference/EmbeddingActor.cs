using Microsoft.Extensions.AI;
using RagCluster.Inference;
using RagCluster.Inference.Batching;
using RagCluster.Kernel;
using RagCluster.Ingestion.Chunking;

namespace RagCluster.Actors.Inference;

using Vector = Messages.Partitions.Embedding;

/// <summary>What an embedding actor is told.</summary>
internal abstract record EmbeddingMessage;

/// <summary>Texts to embed; the result goes to <paramref name="Done"/>.</summary>
internal sealed record EmbedTexts(
    IReadOnlyList<string> Texts, EmbeddingPriority Priority, TaskCompletionSource<IReadOnlyList<Vector>> Done, CancellationToken Abandoned) : EmbeddingMessage;

/// <summary>The first waiting text has waited long enough for company.</summary>
internal sealed record BatchDue : EmbeddingMessage;

internal sealed record BatchEmbedded(IReadOnlyList<EmbeddingItem> Batch, IReadOnlyList<Vector>? Vectors, Exception? Failure) : EmbeddingMessage;

/// <summary>One text of a request.</summary>
internal sealed record EmbeddingItem(EmbeddingRequest Request, int Index)
{
    public string Text => Request.Message.Texts[Index];
}

internal sealed class EmbeddingRequest(EmbedTexts message)
{
    private readonly Vector[] _vectors = new Vector[message.Texts.Count];
    private int _missing = message.Texts.Count;

    public EmbedTexts Message => message;

    public bool IsOver => message.Done.Task.IsCompleted || message.Abandoned.IsCancellationRequested;

    public void Set(int index, Vector vector)
    {
        _vectors[index] = vector;
        if (--_missing == 0)
        {
            message.Done.TrySetResult(_vectors);
        }
    }
}

/// <summary>
/// Owns one embedding endpoint: gathers the texts that several callers want at the same moment into micro-batches,
/// questions before documents, and keeps so many batches at the endpoint as it bears.
/// </summary>
internal sealed class EmbeddingActor(IEmbeddingGenerator<string, Embedding<float>> endpoint, BatchLimits limits) : Actor<EmbeddingMessage>
{
    private static readonly object s_due = new();

    private readonly BatchQueue<EmbeddingItem> _queue = new(limits);
    private int _inFlight;
    private long? _started;

    protected override ValueTask ReceiveAsync(EmbeddingMessage message, CancellationToken cancellationToken)
    {
        switch (message)
        {
            case EmbedTexts m:
                Add(m);
                break;
            case BatchEmbedded m:
                _inFlight--;
                Deliver(m);
                break;
            case BatchDue:
                break;
        }

        Pump();
        return ValueTask.CompletedTask;
    }

    protected override ValueTask StoppedAsync(StopReason reason)
    {
        foreach (var item in DrainQueue())
        {
            item.Request.Message.Done.TrySetException(new InferenceException(InferenceErrorCode.Unreachable, "The node is stopping."));
        }

        return ValueTask.CompletedTask;
    }

    private void Add(EmbedTexts message)
    {
        if (message.Texts.Count == 0)
        {
            message.Done.TrySetResult([]);
            return;
        }

        var request = new EmbeddingRequest(message);
        var priority = message.Priority == EmbeddingPriority.Interactive ? BatchPriority.Interactive : BatchPriority.Ingestion;
        var now = Now();
        for (var i = 0; i < message.Texts.Count; i++)
        {
            if (!_queue.TryAdd(new EmbeddingItem(request, i), TokenCounter.Count(message.Texts[i]), priority, now))
            {
                message.Done.TrySetException(new InferenceException(InferenceErrorCode.RateLimited, "Too many texts wait for the embedding endpoint; try again in a moment."));
                return;
            }
        }
    }

    /// <summary>Not the hour of the wall, which may be set back: what waits would wait until it has come again.</summary>
    private DateTimeOffset Now() => DateTimeOffset.UnixEpoch + Context.Time.GetElapsedTime(_started ??= Context.Time.GetTimestamp());

    private void Pump()
    {
        while (_inFlight < limits.MaxInFlight)
        {
            var now = Now();
            var batch = _queue.Cut(now);
            if (batch.Count == 0)
            {
                if (_queue.DueAt() is { } due)
                {
                    Context.StartTimer(s_due, new BatchDue(), due > now ? due - now : TimeSpan.Zero);
                }

                return;
            }

            var wanted = batch.Where(item => !item.Request.IsOver).ToList();
            if (wanted.Count > 0)
            {
                _inFlight++;
                Context.PipeToSelf(
                    token => EmbedAsync(wanted, token),
                    vectors => new BatchEmbedded(wanted, vectors, null),
                    failure => new BatchEmbedded(wanted, null, failure));
            }
        }
    }

    private async Task<IReadOnlyList<Vector>> EmbedAsync(List<EmbeddingItem> batch, CancellationToken cancellationToken)
    {
        var embeddings = await endpoint.GenerateAsync(batch.ConvertAll(item => item.Text), null, cancellationToken);
        return embeddings.Count == batch.Count
            ? [.. embeddings.Select(e => Vector.Of(e.Vector.Span))]
            : throw new InferenceException(InferenceErrorCode.BadResponse, $"The endpoint gave {embeddings.Count} vectors for {batch.Count} texts.");
    }

    private static void Deliver(BatchEmbedded ended)
    {
        for (var i = 0; i < ended.Batch.Count; i++)
        {
            var item = ended.Batch[i];
            if (ended.Vectors is { } vectors)
            {
                item.Request.Set(item.Index, vectors[i]);
            }
            else
            {
                item.Request.Message.Done.TrySetException(ended.Failure switch
                {
                    InferenceException e => e,
                    OperationCanceledException => new InferenceException(InferenceErrorCode.Unreachable, "The node is stopping."),
                    var e => new InferenceException(InferenceErrorCode.BadResponse, $"The embedding endpoint failed: {e!.Message}", e),
                });
            }
        }
    }

    private IEnumerable<EmbeddingItem> DrainQueue()
    {
        while (_queue.Cut(DateTimeOffset.MaxValue) is { Count: > 0 } batch)
        {
            foreach (var item in batch)
            {
                yield return item;
            }
        }
    }
}
