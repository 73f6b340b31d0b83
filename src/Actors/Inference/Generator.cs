using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.AI;
using RagCluster.Inference;
using RagCluster.Inference.Accounting;
using RagCluster.Inference.Prompting;
using RagCluster.Inference.Routing;
using RagCluster.Messages.Text;
using RagCluster.Kernel;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;

namespace RagCluster.Actors.Inference;

/// <summary>Writes answers at the endpoints, each in a place that the <see cref="GenerationActor"/> grants.</summary>
internal sealed class Generator(
    IActorRef<GenerationMessage> actor, string model, ChatOptions options, int endpoints, InferencePolicy policy, IRuntime runtime) : IGenerator
{
    public string Model => model;

    public IAsyncEnumerable<string> GenerateAsync(GroundedPrompt prompt, CancellationToken cancellationToken) =>
        GenerateAsync(prompt, new GenerationCall(), cancellationToken);

    public async ValueTask<InferenceException?> RefusalAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource<InferenceException?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await actor.TellAsync(new WouldRefuse(tenant.Value, done), cancellationToken);
        return await done.Task.OrCancelled(cancellationToken);
    }

    public async IAsyncEnumerable<string> GenerateAsync(GroundedPrompt prompt, GenerationCall call, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var messages = prompt.ToMessages();
        var promptTokens = messages.Sum(static m => TokenCounter.Count(m.Text));
        var affinity = call.Prefix.Length > 0 ? Router.KeyOf(call.Prefix) : 0;
        var patience = call.Patience ?? policy.AnswerPatience;
        var started = runtime.Time.GetTimestamp();
        var tried = new List<EndpointState>();
        var written = new StringBuilder();
        for (var attempt = 1; ; attempt++)
        {
            InferenceException failure;
            var request = new PlaceRequest(
                call.Tenant?.Value ?? "", promptTokens, affinity, tried.ToArray(), patience - runtime.Time.GetElapsedTime(started), continues: written.Length > 0);
            var (place, refused) = await TakeAsync(request, cancellationToken);
            if (place is not null)
            {
                await using var answer = new PlacedAnswer(actor, place, runtime.Time);
                IEnumerable<ChatMessage> asked = written.Length == 0 ? messages : [.. messages, new ChatMessage(ChatRole.Assistant, written.ToString())];
                (call.Model, call.Endpoint) = (place.Endpoint.Profile.Model is { Length: > 0 } named ? named : model, place.Endpoint.Profile.Name);
                await using var updates = place.Target.Client.GetStreamingResponseAsync(asked, options, cancellationToken).GetAsyncEnumerator(cancellationToken);
                while (await answer.NextAsync(updates))
                {
                    if (updates.Current.Text is { Length: > 0 } text)
                    {
                        written.Append(text);
                        yield return text;
                    }
                }

                if (answer.Failure is null)
                {
                    yield break;
                }

                failure = answer.Failure;
                tried.Add(place.Endpoint);
            }
            else
            {
                failure = refused!;
            }

            if (written.Length > 0 && (tried.Count == 0 || !tried[^1].Profile.Continues))
            {
                // What was given cannot be taken back here, and is no whole answer.
                throw failure.Code == InferenceErrorCode.CutStream ? failure : new InferenceException(InferenceErrorCode.CutStream, failure.Message, failure);
            }

            var elsewhere = place is not null && tried.Count < endpoints;
            var wait = failure.IsRefusal
                ? null
                : policy.Retry.Next(failure, attempt, elsewhere, patience - runtime.Time.GetElapsedTime(started), runtime.Random.NextDouble());
            if (wait is null)
            {
                throw failure;
            }

            InferenceMeter.Retried("generation");
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait.Value, runtime.Time, cancellationToken);
            }
        }
    }

    private async Task<(Place? Place, InferenceException? Refused)> TakeAsync(PlaceRequest request, CancellationToken cancellationToken)
    {
        await actor.TellAsync(new WantPlace(request), cancellationToken);
        try
        {
            return (await request.Granted.Task.OrCancelled(cancellationToken), null);
        }
        catch (InferenceException e)
        {
            return (null, e);
        }
        catch (OperationCanceledException) when (request.Granted.TrySetCanceled(cancellationToken))
        {
            // Taken out of the queue before a place was granted.
            await actor.TellAsync(new PlaceNotWanted(request), CancellationToken.None);
            throw;
        }
        catch (OperationCanceledException)
        {
            if (request.Granted.Task.IsCompletedSuccessfully)
            {
                await actor.TellAsync(new PlaceLeft(await request.Granted.Task, new PlaceOutcome(null, IsAbandoned: true, 0, 0, TimeSpan.Zero)), CancellationToken.None);
            }

            throw;
        }
    }
}
