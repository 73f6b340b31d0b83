using RagCluster.Inference;
using RagCluster.Kernel;

namespace RagCluster.Actors.Inference;

/// <summary>What a generation actor is told.</summary>
internal abstract record GenerationMessage;

/// <summary>Somebody wants a slot at the endpoint; <paramref name="Granted"/> completes when there is one.</summary>
internal sealed record WantSlot(TaskCompletionSource Granted) : GenerationMessage;

/// <summary>A slot is free again.</summary>
internal sealed record SlotFreed : GenerationMessage;

/// <summary>
/// Owns one generation endpoint: so many answers are written there at once as it bears, the rest wait in the order of
/// asking, and beyond a bound the asker hears at once that the endpoint is overloaded.
/// </summary>
internal sealed class GenerationActor(int slots, int maxQueued) : Actor<GenerationMessage>
{
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private int _free = slots;

    protected override ValueTask ReceiveAsync(GenerationMessage message, CancellationToken cancellationToken)
    {
        switch (message)
        {
            case WantSlot m when _free == 0 && _waiting.Count >= maxQueued:
                m.Granted.TrySetException(new InferenceException(
                    InferenceErrorCode.RateLimited, $"{maxQueued} answers already wait for the generation endpoint; ask again in a moment.") { RetryAfter = TimeSpan.FromSeconds(2) });
                break;
            case WantSlot m:
                _waiting.Enqueue(m.Granted);
                break;
            case SlotFreed:
                _free++;
                break;
        }

        while (_free > 0 && _waiting.TryDequeue(out var next))
        {
            // Whoever has given up waiting does not take the slot.
            if (next.TrySetResult())
            {
                _free--;
            }
        }

        return ValueTask.CompletedTask;
    }

    protected override ValueTask StoppedAsync(StopReason reason)
    {
        while (_waiting.TryDequeue(out var next))
        {
            next.TrySetException(new InferenceException(InferenceErrorCode.Unreachable, "The node is stopping."));
        }

        return ValueTask.CompletedTask;
    }
}
