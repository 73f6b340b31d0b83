using RagCluster.Inference.Prompting;
using RagCluster.Messages;
using RagCluster.Messages.Text;

namespace RagCluster.Actors.Conversations;

/// <summary>Finds and writes the answer to one question. Tells everything through the sink, which makes it durable.</summary>
public interface IAnswering
{
    /// <summary>
    /// Ends when the answer is complete or the sink says that nobody waits for it any more. Failures are thrown;
    /// whoever called turns them into the question's end.
    /// </summary>
    /// <param name="history">Earlier turns of the conversation, oldest first.</param>
    Task AnswerAsync(QuestionState question, IReadOnlyList<PastTurn> history, IAnswerSink sink, CancellationToken cancellationToken);
}

/// <summary>
/// Where an answer goes. Each call returns once its events are durable; false means that the question has ended
/// meanwhile (cancelled) and the author should stop.
/// </summary>
public interface IAnswerSink
{
    ValueTask<bool> BeginAsync(string query, CancellationToken cancellationToken);

    /// <param name="partial">A part of the index did not answer in time: there may be more.</param>
    ValueTask<bool> SourcesAsync(IReadOnlyList<ScoredPassage> sources, bool partial, CancellationToken cancellationToken);

    ValueTask<bool> DeltaAsync(string text, CancellationToken cancellationToken);

    /// <param name="unsupported">The sentences of the text that no passage supports, in order.</param>
    ValueTask<bool> CompleteAsync(
        string text, IReadOnlyList<Citation> citations, IReadOnlyList<TextSpan> unsupported, bool abstained, string model, CancellationToken cancellationToken);
}
