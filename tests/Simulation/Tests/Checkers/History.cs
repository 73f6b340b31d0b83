using System.Collections.Immutable;
using System.Text;
using RagCluster.CheckerKit;
using RagCluster.Kernel.Journal;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Simulation.Tests.Checkers;

/// <summary>Builds the remains of a run by hand: a small one in which all is well, for a test to spoil.</summary>
internal static class History
{
    public const string Talk = "t0/talk";
    public const string Paper = "t0/paper";
    private static readonly DateTimeOffset s_at = DateTimeOffset.UnixEpoch;

    public static NodeIncarnation First { get; } = new("n1", 1);

    public static NodeIncarnation Second { get; } = new("n2", 1);

    public static Principal Ann { get; } = new(TenantId.Of("t0"), UserId.Of("ann"), RoleSet.Of("clerk"));

    public static string Text { get; } = $"The period of {Canary("t0")} is 10 days.";

    /// <summary>A question that is answered from a document, under two owners.</summary>
    public static Run Good()
    {
        var run = new Run();
        run.Contents["sha256-1"] = Text;
        Add(run, 1, Talk, 1, new ConversationStarted(TenantId.Of("t0"), Ann.User, "How long?") { At = default }, null, 1);
        Add(run, 1, Talk, 1, new QuestionAsked(QuestionId.Of("q"), "How long?", Ann, null) { At = default }, "ask/q", 1);
        Add(run, 1, Talk, 1, new AnswerBegun(QuestionId.Of("q"), "How long?") { At = default }, null, 2);
        Add(run, 1, Talk, 1, new SourcesFound(QuestionId.Of("q"), [new ScoredPassage(Passage(1), 1)]) { At = default }, null, 2);
        Add(run, 1, Talk, 1, new AnswerDelta(QuestionId.Of("q"), "It is ") { At = default }, null, 3);
        Add(run, 1, Talk, 2, new AnswerRestarted(QuestionId.Of("q")) { At = default }, null, 12);
        Add(run, 1, Talk, 2, new AnswerBegun(QuestionId.Of("q"), "How long?") { At = default }, null, 12);
        Add(run, 1, Talk, 2, new AnswerDelta(QuestionId.Of("q"), "10 days [1].") { At = default }, null, 13);
        Add(run, 1, Talk, 2, new AnswerCompleted(QuestionId.Of("q"), "10 days [1].", [new Citation(1, DocumentId.Of("paper"), 1, 0, 0, Text.Length, null, Text, "paper")], false, "m") { At = default }, null, 14);
        Add(run, 1, Talk, 2, new FeedbackGiven(QuestionId.Of("q"), Rating.Up, "fine", null, Ann.User) { At = default }, "fine", 20);
        Add(run, 2, Paper, 1, new DocumentReceived(TenantId.Of("t0"), 1, "paper", "s", null, BlobId.Of("sha256-1"), Text.Length, RoleSet.Empty, 1, ImmutableSortedDictionary<string, string>.Empty) { At = default }, null, 0.1);
        Add(run, 2, Paper, 1, new DocumentProgressed(1, new Parsed(BlobId.Of("sha256-1"), "text/plain", "paper", null, Text.Length)) { At = default }, null, 0.2);
        Add(run, 2, Paper, 1, new DocumentProgressed(1, new Chunked(1)) { At = default }, null, 0.3);
        Add(run, 2, Paper, 1, new DocumentProgressed(1, new Indexed()) { At = default }, null, 0.4);
        run.Owners.AddRange([new OwnerChange(S(0), 1, 1, First), new OwnerChange(S(0), 2, 1, First), new OwnerChange(S(10), 1, 2, Second)]);
        run.Operations.Add(Operation(Talk, Markers.Asked("q"), 1, 1.5, 2));
        run.Operations.Add(Operation(Talk, Markers.Feedback("fine"), 19, 21, 10));
        run.Operations.Add(Operation(Paper, Markers.Received("sha256-1"), 0, 0.2, 1, "document"));
        var stream = new StreamReading("reader", Talk, 4);
        stream.Items.AddRange(run.Log.Where(record => record.Entity == Talk && record.Seq > 4).Select(record => (S(30), record.Seq, (ConversationEvent)record.Event)));
        run.Streams.Add(stream);
        run.Searches.Add(new SearchReading("searcher", Ann, "period", S(5), S(6), true, [new ScoredPassage(Passage(1), 1)], "paper"));
        run.Index.Add(new IndexReading("t0", "paper", [Passage(1)]));
        run.Measures.Add(new Measure("queue", 3, 8));
        return run;
    }

    public static TimeSpan S(double seconds) => TimeSpan.FromSeconds(seconds);

    public static string Canary(string tenant) => CheckerKit.Checkers.Tenants.Canary(tenant);

    public static Passage Passage(int version, int ordinal = 0) => new(DocumentId.Of("paper"), version, ordinal, 0, Text.Length, Text);

    public static Operation Operation(string entity, string marker, double from, double to, long seq, string type = "conversation") => new()
    {
        Client = "ann", Entity = (type, entity), Marker = marker, InvokedAt = S(from), EndedAt = S(to), Outcome = Outcome.Acknowledged, Seq = seq,
    };

    /// <summary>Puts a record at the end of the entity's log, and of its shard's.</summary>
    public static void Add(Run run, int shard, string entity, long epoch, object @event, string? command, double at)
    {
        var last = run.Log.FindLastIndex(record => record.Shard == shard);
        object placed = @event is ConversationEvent talk ? talk with { At = s_at } : (object)(((DocumentEvent)@event) with { At = s_at });
        run.Log.Insert(last < 0 ? run.Log.Count : last + 1, new LogRecord(
            shard,
            last < 0 ? 1 : run.Log[last].ShardSeq + 1,
            @event is ConversationEvent ? "conversation" : "document",
            entity,
            run.Log.Count(record => record.Entity == entity) + 1,
            epoch,
            command,
            placed,
            S(at),
            epoch == 1 ? First : Second));
    }

    public static ReadOnlyMemory<byte> Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
