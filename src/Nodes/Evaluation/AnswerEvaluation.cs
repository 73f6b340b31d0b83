using System.Diagnostics;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Identity;
using RagCluster.Nodes.Benchmarks;

namespace RagCluster.Nodes.Evaluation;

/// <summary>
/// Measures answers and their citations: every question is asked in a conversation of its own, one after another, by
/// somebody with the question's roles.
/// </summary>
internal sealed class AnswerEvaluation(AnswerSet set, EvaluationProgress progress)
{
    private static readonly Measure[] s_means =
    [
        new("exactMatch", "answers that are an expected one word for word"),
        new("f1", "overlap of words with the expected answer"),
        new("containsAnswer", "answerable questions with a cited passage that holds the answer"),
        new("quoteContainsAnswer", "answerable questions with a cited span that holds the answer"),
        new("found", "answerable questions with a passage to answer from that holds the answer"),
        new("answered", "answerable questions that were answered, rightly or wrongly"),
        new("abstained", "unanswerable questions that were declined"),
    ];

    public async Task<EvaluationResult> RunAsync(EvaluationNode node, CancellationToken cancellationToken)
    {
        var at = TimeProvider.System.GetUtcNow();
        var taken = await node.TakeInAsync(set.Documents, progress, cancellationToken);
        var answers = await progress.ShowAsync("Asking", async moved =>
        {
            var all = new List<Answered>(set.Questions.Count);
            foreach (var question in set.Questions)
            {
                all.Add(await AskAsync(node, question, cancellationToken));
                moved(all.Count, set.Questions.Count);
            }

            return all;
        });
        var queries = answers.Select(a => a.Query).ToList();
        var times = answers.Select(a => a.Milliseconds).Order().ToArray();
        var citations = answers.Sum(a => a.Citations);
        var settings = node.Settings;
        settings["generation"] = node.Generation;
        return new EvaluationResult(
            "answers",
            set.Name,
            at,
            settings,
            [
                (new Measure("docs", "documents that were taken in", "0"), taken.Documents),
                (new Measure("chunks", "chunks that they were cut into", "0"), taken.Chunks),
                (new Measure("queries", "questions", "0"), queries.Count),
                (new Measure("unanswerable", "of them without an answer that the asker may read", "0"), set.Questions.Count(q => !q.Answerable)),
                (new Measure("ingestSeconds", "until all documents could be found", "0.0"), taken.Seconds),
                .. s_means.Select(m => (m, Mean: EvaluationResult.Mean(queries, m.Name))).Where(m => m.Mean is not null).Select(m => (m.m, m.Mean!.Value)),
                (new Measure("citations", "citations in all answers", "0"), citations),
                .. citations == 0 ? [] : ((Measure, double)[])[(new Measure("citationValid", "citations whose span of the document is exactly their quote"), (double)answers.Sum(a => a.Valid) / citations)],
                (new Measure("failed", "questions whose answer failed", "0"), answers.Count(a => a.Failed)),
                (new Measure("p50Ms", "time of an answer, median", "0.00"), Quantiles.OfSorted(times, 0.5)),
                (new Measure("p99Ms", "time of an answer, 99 % are faster", "0.00"), Quantiles.OfSorted(times, 0.99)),
            ],
            queries) { FailedDocuments = taken.Failed };
    }

    private sealed record Answered(MeasuredQuery Query, double Milliseconds, int Citations, int Valid, bool Failed);

    private static async Task<Answered> AskAsync(EvaluationNode node, TestQuestion question, CancellationToken cancellationToken)
    {
        var asker = node.PrincipalWith(question.Roles);
        var conversation = ConversationId.Of(Guid.CreateVersion7().ToString("N"));
        var id = QuestionId.Of(Guid.CreateVersion7().ToString("N"));
        var start = Stopwatch.GetTimestamp();
        var (reply, _) = await node.Conversations.AskAsync(asker, conversation, id, question.Text, cancellationToken);
        if (reply is Refused refused)
        {
            throw new InvalidDataException($"The node refuses the question \"{question.Id}\": {refused}");
        }

        var events = await node.Conversations.SubscribeAsync(asker, conversation, 0, cancellationToken)
            ?? throw new InvalidOperationException($"The conversation of question \"{question.Id}\" is gone.");
        IReadOnlyList<ScoredPassage> sources = [];
        await foreach (var (_, e) in events.WithCancellation(cancellationToken))
        {
            switch (e)
            {
                case SourcesFound found:
                    sources = found.Sources;
                    break;
                case AnswerCompleted completed:
                    return await MeasureAsync(node, question, asker, completed, sources, Stopwatch.GetElapsedTime(start).TotalMilliseconds, cancellationToken);
                case AnswerFailed or AnswerCancelled:
                    var reason = e is AnswerFailed failed ? failed.Detail : "cancelled";
                    return new Answered(Values(question, "", abstained: false, [], [], sources, $"failed: {reason}"), Stopwatch.GetElapsedTime(start).TotalMilliseconds, 0, 0, true);
                default:
                    break;
            }
        }

        throw new InvalidOperationException($"The conversation of question \"{question.Id}\" ended without an answer.");
    }

    private static async Task<Answered> MeasureAsync(
        EvaluationNode node, TestQuestion question, Principal asker, AnswerCompleted answer, IReadOnlyList<ScoredPassage> sources, double milliseconds, CancellationToken cancellationToken)
    {
        var valid = 0;
        foreach (var citation in answer.Citations)
        {
            var text = (await node.Documents.ReadTextAsync(asker, citation.Document, citation.Version, cancellationToken))?.Text;
            valid += IsExact(citation, text) ? 1 : 0;
        }

        var cited = sources
            .Where(s => answer.Citations.Any(c => c.Document == s.Passage.Document && c.Version == s.Passage.Version && c.Chunk == s.Passage.Ordinal))
            .Select(s => s.Passage.Text)
            .ToList();
        var query = Values(question, answer.Text, answer.Abstained, cited, [.. answer.Citations.Select(c => c.Quote)], sources, answer.Text);
        return new Answered(query, milliseconds, answer.Citations.Count, valid, false);
    }

    /// <summary>Whether the citation's span of its document's text is what it quotes.</summary>
    internal static bool IsExact(Citation citation, string? text) =>
        text is not null && citation.Start >= 0 && citation.Start < citation.End && citation.End <= text.Length
        && text.AsSpan()[citation.Start..citation.End].SequenceEqual(citation.Quote);

    private static MeasuredQuery Values(
        TestQuestion question,
        string answer,
        bool abstained,
        IReadOnlyList<string> cited,
        IReadOnlyList<string> quotes,
        IReadOnlyList<ScoredPassage> sources,
        string shown)
    {
        if (!question.Answerable)
        {
            return new MeasuredQuery(question.Id, new Dictionary<string, double> { ["abstained"] = One(abstained) }, shown);
        }

        // What declines to answer has no words that could overlap.
        var words = abstained ? "" : AnswerMetrics.WithoutMarkers(answer);
        return new MeasuredQuery(
            question.Id,
            new Dictionary<string, double>
            {
                ["exactMatch"] = AnswerMetrics.ExactMatch(words, question.Answers),
                ["f1"] = AnswerMetrics.F1(words, question.Answers),
                ["containsAnswer"] = One(cited.Any(c => AnswerMetrics.Contains(c, question.Answers))),
                ["quoteContainsAnswer"] = One(quotes.Any(q => AnswerMetrics.Contains(q, question.Answers))),
                ["found"] = One(sources.Any(s => AnswerMetrics.Contains(s.Passage.Text, question.Answers))),
                ["answered"] = One(!abstained && words.Length > 0),
            },
            shown);
    }

    private static double One(bool value) => value ? 1 : 0;
}
