using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;
using RagCluster.Inference.Prompting;
using RagCluster.Kernel;
using RagCluster.Kernel.Entities;

namespace RagCluster.Actors.Inference;

/// <summary>Writes answers at an endpoint, in a slot that its <see cref="GenerationActor"/> grants.</summary>
internal sealed class Generator(IActorRef<GenerationMessage> actor, IChatClient endpoint, string model, ChatOptions options) : IGenerator
{
    public string Model => model;

    public async IAsyncEnumerable<string> GenerateAsync(GroundedPrompt prompt, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var granted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await actor.TellAsync(new WantSlot(granted), cancellationToken);
        try
        {
            await granted.Task.OrCancelled(cancellationToken);
        }
        catch (OperationCanceledException) when (granted.TrySetCanceled(cancellationToken))
        {
            // Taken out of the queue before a slot was granted.
            throw;
        }
        catch (OperationCanceledException)
        {
            await actor.TellAsync(new SlotFreed(), CancellationToken.None);
            throw;
        }

        try
        {
            await foreach (var update in endpoint.GetStreamingResponseAsync(prompt.ToMessages(), options, cancellationToken))
            {
                if (update.Text is { Length: > 0 } text)
                {
                    yield return text;
                }
            }
        }
        finally
        {
            await actor.TellAsync(new SlotFreed(), CancellationToken.None);
        }
    }
}
