using Microsoft.Extensions.AI;
using RagCluster.Inference;
using RagCluster.Messages.Text;
using RagCluster.Kernel;

namespace RagCluster.Actors.Inference;

/// <summary>
/// One answer being read from an endpoint: times its first token, counts its tokens, and gives the place back when it ends,
/// however it ends.
/// </summary>
internal sealed class PlacedAnswer(IActorRef<GenerationMessage> actor, Place place, TimeProvider time) : IAsyncDisposable
{
    private readonly long _began = time.GetTimestamp();
    private UsageDetails? _usage;
    private int _estimated;
    private bool _answers;
    private bool _ended;

    /// <summary>Why it ended before its end; null if it has not, or ended well.</summary>
    public InferenceException? Failure { get; private set; }

    /// <summary>Reads the next update; false at the end, and at a failure, which <see cref="Failure"/> then tells.</summary>
    public async ValueTask<bool> NextAsync(IAsyncEnumerator<ChatResponseUpdate> updates)
    {
        try
        {
            if (!await updates.MoveNextAsync())
            {
                _ended = true;
                return false;
            }
        }
        catch (InferenceException e)
        {
            Failure = e;
            return false;
        }

        foreach (var content in updates.Current.Contents)
        {
            _usage = content is UsageContent usage ? usage.Details : _usage;
        }

        _estimated += TokenCounter.Count(updates.Current.Text);
        if (!_answers)
        {
            _answers = true;
            await actor.TellAsync(new PlaceAnswers(place, time.GetElapsedTime(_began)), CancellationToken.None);
        }

        return true;
    }

    public async ValueTask DisposeAsync()
    {
        // What was read and written counts, be it for nothing.
        var input = _answers ? _usage?.InputTokenCount ?? place.Request.PromptTokens : 0;
        var output = _usage?.OutputTokenCount ?? _estimated;
        await actor.TellAsync(new PlaceLeft(place, new PlaceOutcome(Failure, !_ended && Failure is null, input, output, time.GetElapsedTime(_began))), CancellationToken.None);
    }
}
