using System.Diagnostics.Metrics;
using RagCluster.Actors.Conversations;
using RagCluster.Actors.Documents;
using RagCluster.Kernel.Entities;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;

namespace RagCluster.Actors;

/// <summary>
/// What becomes of questions, documents and searches, under the meter "RagCluster.Actors". Counted where the event
/// became durable, so each is counted once in the cluster, whoever worked on it before. No tag holds anything of a user.
/// </summary>
internal static class ActorMetrics
{
    private static readonly Meter s_meter = new("RagCluster.Actors");

    private static readonly Counter<long> s_questions = s_meter.CreateCounter<long>("ragcluster.questions", "{question}", "Questions that ended, by outcome: completed, abstained, failed, cancelled.");

    private static readonly Histogram<double> s_answers = s_meter.CreateHistogram<double>("ragcluster.question.duration", "s", "From a question's asking to its end, by outcome.");

    private static readonly Histogram<double> s_firstWords = s_meter.CreateHistogram<double>("ragcluster.question.first_words.duration", "s", "From a question's asking to the first words of its answer.");

    private static readonly Counter<long> s_restarts = s_meter.CreateCounter<long>("ragcluster.question.restarts", "{answer}", "Answers that were begun again, because their author died or was cut off.");

    private static readonly Counter<long> s_documents = s_meter.CreateCounter<long>("ragcluster.documents", "{document}", "Versions of documents, by what became of them: received, indexed, failed, removed.");

    private static readonly Counter<long> s_retries = s_meter.CreateCounter<long>("ragcluster.document.retries", "{attempt}", "Attempts at documents that failed and are made again.");

    private static readonly Histogram<double> s_indexing = s_meter.CreateHistogram<double>("ragcluster.document.duration", "s", "From a document's receipt until it can be found.");

    private static readonly Histogram<double> s_searches = s_meter.CreateHistogram<double>("ragcluster.search.duration", "s", "A search in all partitions of a tenant, by result: complete, partial, failed.");

    /// <summary>After events became durable.</summary>
    /// <param name="state">The state after them.</param>
    public static void Committed(IReadOnlyList<Recorded<ConversationEvent>> events, ConversationState state)
    {
        foreach (var (_, e) in events)
        {
            switch (e)
            {
                case AnswerDelta d when state.Find(d.Question) is { Shown: [var first, ..] } question && ReferenceEquals(first, d.Text):
                    s_firstWords.Record(Seconds(question.AskedAt, e.At));
                    break;
                case AnswerRestarted:
                    s_restarts.Add(1);
                    break;
                case AnswerCompleted c:
                    Ended(state, c.Question, e.At, c.Abstained ? "abstained" : "completed");
                    break;
                case AnswerFailed f:
                    Ended(state, f.Question, e.At, "failed");
                    break;
                case AnswerCancelled c:
                    Ended(state, c.Question, e.At, "cancelled");
                    break;
            }
        }
    }

    /// <inheritdoc cref="Committed(IReadOnlyList{Recorded{ConversationEvent}}, ConversationState)"/>
    public static void Committed(IReadOnlyList<Recorded<DocumentEvent>> events, DocumentState state)
    {
        foreach (var (_, e) in events)
        {
            switch (e)
            {
                case DocumentReceived:
                    Document("received");
                    break;
                case DocumentProgressed { Reached: Indexed }:
                    Document("indexed");
                    s_indexing.Record(Seconds(state.ReceivedAt, e.At));
                    break;
                case DocumentFailed { RetryAt: null }:
                    Document("failed");
                    break;
                case DocumentFailed:
                    s_retries.Add(1);
                    break;
                case DocumentRemoved:
                    Document("removed");
                    break;
            }
        }
    }

    /// <param name="complete">Whether every partition answered; null: the search failed.</param>
    public static void Searched(TimeSpan time, bool? complete) => s_searches.Record(
        time.TotalSeconds, new KeyValuePair<string, object?>("result", complete switch { true => "complete", false => "partial", null => "failed" }));

    private static void Ended(ConversationState state, Messages.QuestionId id, DateTimeOffset at, string outcome)
    {
        var tag = new KeyValuePair<string, object?>("outcome", outcome);
        s_questions.Add(1, tag);
        if (state.Find(id) is { } question)
        {
            s_answers.Record(Seconds(question.AskedAt, at), tag);
        }
    }

    private static void Document(string outcome) => s_documents.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    // Both times are of nodes' clocks, which may differ: no duration is negative.
    private static double Seconds(DateTimeOffset from, DateTimeOffset to) => Math.Max(0, (to - from).TotalSeconds);
}
