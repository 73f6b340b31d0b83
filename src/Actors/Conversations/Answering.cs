using System.Text;
using RagCluster.Actors.Inference;
using RagCluster.Actors.Search;
using RagCluster.Inference;
using RagCluster.Inference.Citations;
using RagCluster.Inference.Prompting;
using RagCluster.Inference.QueryRewriting;
using RagCluster.Kernel.Entities;

namespace RagCluster.Actors.Conversations;

/// <summary>
/// The way of a question: rewrite it to stand without the history, search what its asker may read, have an answer
/// written from the passages, verify the citations.
/// </summary>
public sealed class Answering(Searcher searcher, IGenerator generator, SearchOptions options, TimeProvider time) : IAnswering
{
    private static readonly TimeSpan s_minPause = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan s_maxPause = TimeSpan.FromSeconds(2);

    /// <summary>An answer longer than this, in UTF-16 code units, is a model that does not stop.</summary>
    public const int MaxAnswerLength = 64_000;

    public async Task AnswerAsync(QuestionState question, IReadOnlyList<PastTurn> history, IAnswerSink sink, CancellationToken cancellationToken)
    {
        var query = QuestionRewriter.Rewrite(question.Text, history);
        if (!await sink.BeginAsync(query, cancellationToken))
        {
            return;
        }

        var found = await SearchAsync(question, query, cancellationToken);
        var sources = found.InContext ?? found.Passages;
        if (!await sink.SourcesAsync(sources, found.IsPartial, cancellationToken))
        {
            return;
        }

        var prompt = new GroundedPrompt(query, [.. sources.Select(p => p.Passage)]) { History = history };
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

    /// <summary>
    /// A question was accepted and is to be answered: while no part of the index answers, as when its owner has died and
    /// the next one is not there yet, it waits.
    /// </summary>
    private async Task<SearchResult> SearchAsync(QuestionState question, string query, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        for (var pause = s_minPause; ; pause = pause * 2 < s_maxPause ? pause * 2 : s_maxPause)
        {
            try
            {
                return await searcher.SearchAsync(new SearchRequest(question.Asker, query) { K = options.Passages, Neighbours = options.Neighbours }, cancellationToken);
            }
            catch (EntityUnavailableException) when (time.GetElapsedTime(started) < options.Patience)
            {
                await Task.Delay(pause, time, cancellationToken);
            }
        }
    }
}
