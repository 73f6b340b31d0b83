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
public sealed class Answering(Searcher searcher, IGenerator generator, PromptPacker packer, SearchOptions options, TimeProvider time) : IAnswering
{
    private static readonly TimeSpan s_minPause = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan s_maxPause = TimeSpan.FromSeconds(2);

    /// <summary>An answer longer than this, in UTF-16 code units, is a model that does not stop.</summary>
    public const int MaxAnswerLength = 64_000;

    /// <summary>An answer that was cut off in the middle is begun again so often that it is tried this many times.</summary>
    public const int MaxAttempts = 3;

    public async Task AnswerAsync(QuestionState question, IReadOnlyList<PastTurn> history, IAnswerSink sink, CancellationToken cancellationToken)
    {
        var query = QuestionRewriter.Rewrite(question.Text, history);
        if (!await sink.BeginAsync(query, cancellationToken))
        {
            return;
        }

        var found = await SearchAsync(question, query, cancellationToken);

        // What has no room in the prompt is no source of the answer.
        var packed = packer.Pack(query, found.InContext ?? found.Passages, history);
        var prompt = packed.Prompt;
        if (!await sink.SourcesAsync(packed.Sources, found.IsPartial, cancellationToken))
        {
            return;
        }

        var call = new GenerationCall { Tenant = question.Asker.Tenant, Prefix = $"{question.Asker.Tenant.Value}/{(history.Count > 0 ? history[0].Question : question.Text)}" };
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (await WriteAsync(prompt, call, sink, cancellationToken) is { } text)
                {
                    var answer = CitationParser.Parse(text, prompt.Passages);
                    await sink.CompleteAsync(answer.Text, answer.Citations, answer.UnsupportedSpans, answer.Abstained, call.Model ?? generator.Model, cancellationToken);
                }

                return;
            }
            catch (InferenceException e) when (e.Code == InferenceErrorCode.CutStream && attempt < MaxAttempts)
            {
                // What was shown is void, and whoever reads is told so; the sources are the same.
                if (!await sink.BeginAsync(query, cancellationToken) || !await sink.SourcesAsync(packed.Sources, found.IsPartial, cancellationToken))
                {
                    return;
                }
            }
        }
    }

    /// <summary>The whole text, shown piece by piece; null if nobody waits for it any more.</summary>
    private async Task<string?> WriteAsync(GroundedPrompt prompt, GenerationCall call, IAnswerSink sink, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        var shown = new CitationFilter(prompt.Passages.Count);
        var deltas = new DeltaWriter(sink, cancellationToken);
        await foreach (var piece in generator.GenerateAsync(prompt, call, cancellationToken))
        {
            text.Append(piece);
            if (text.Length > MaxAnswerLength)
            {
                throw new InferenceException(InferenceErrorCode.BadResponse, $"The model wrote more than {MaxAnswerLength} characters and was stopped.");
            }

            // Markers of passages that do not exist are never shown, also where they come in two pieces.
            if (shown.Push(piece) is { Length: > 0 } visible && !await deltas.WriteAsync(visible))
            {
                return null;
            }
        }

        if (shown.Complete() is { Length: > 0 } rest && !await deltas.WriteAsync(rest))
        {
            return null;
        }

        return await deltas.FlushAsync() ? text.ToString() : null;
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
