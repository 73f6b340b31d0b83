using System.Text;
using RagCluster.Actors.Inference;
using RagCluster.Actors.Search;
using RagCluster.Inference;
using RagCluster.Inference.Citations;
using RagCluster.Inference.Prompting;
using RagCluster.Inference.QueryRewriting;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors.Conversations;

/// <summary>
/// The way of a question: rewrite it to stand without the history, search what its asker may read, have an answer
/// written from the passages, verify the citations.
/// </summary>
public sealed class Answering(Searcher searcher, IGenerator generator, SearchOptions options) : IAnswering
{
    /// <summary>An answer longer than this, in UTF-16 code units, is a model that does not stop.</summary>
    public const int MaxAnswerLength = 64_000;

    public async Task AnswerAsync(QuestionState question, IReadOnlyList<PastTurn> history, IAnswerSink sink, CancellationToken cancellationToken)
    {
        var query = QuestionRewriter.Rewrite(question.Text, history);
        if (!await sink.BeginAsync(query, cancellationToken))
        {
            return;
        }

        var found = await searcher.SearchAsync(question.Asker, query, SearchFilter.None, SearchMode.Hybrid, options.Passages, cancellationToken);
        if (!await sink.SourcesAsync(found.Passages, found.IsPartial, cancellationToken))
        {
            return;
        }

        var prompt = new GroundedPrompt(query, [.. found.Passages.Select(p => p.Passage)]) { History = history };
        var text = new StringBuilder();
        var shown = new CitationFilter(prompt.Passages.Count);
        var deltas = new DeltaWriter(sink, cancellationToken);
        await foreach (var piece in generator.GenerateAsync(prompt, cancellationToken))
        {
            text.Append(piece);
            if (text.Length > MaxAnswerLength)
            {
                throw new InferenceException(InferenceErrorCode.BadResponse, $"The model wrote more than {MaxAnswerLength} characters and was stopped.");
            }

            // Markers of passages that do not exist are never shown, also where they come in two pieces.
            if (shown.Push(piece) is { Length: > 0 } visible && !await deltas.WriteAsync(visible))
            {
                return;
            }
        }

        if (shown.Complete() is { Length: > 0 } rest && !await deltas.WriteAsync(rest))
        {
            return;
        }

        if (!await deltas.FlushAsync())
        {
            return;
        }

        var answer = CitationParser.Parse(text.ToString(), prompt.Passages);
        await sink.CompleteAsync(answer.Text, answer.Citations, answer.Abstained, generator.Model, cancellationToken);
    }
}
