using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Features;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;
using RagCluster.Messages.Publication;

namespace RagCluster.Actors.Tests.Wire;

/// <summary>One of each message that is journaled or goes between nodes, with every property set.</summary>
internal static class Samples
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero);
    private static readonly TenantId Tenant = TenantId.Of("acme");
    private static readonly UserId User = UserId.Of("ann");
    private static readonly RoleSet Roles = RoleSet.Of("adviser", "customer");
    private static readonly Principal Ann = new(Tenant, User, Roles);
    private static readonly QuestionId Q = QuestionId.Of("q1");
    private static readonly DocumentId Doc = DocumentId.Of("fees");
    private static readonly BlobId Blob = BlobId.Of("sha256-" + new string('0', 64));
    private static readonly SortedDictionary<string, string> Metadata = new() { ["year"] = "2026" };
    private static readonly Passage Found = new(Doc, 2, 3, 10, 20, "ten marks.") { Title = "Fees", Headings = ["One", "Two"], Page = 4 };
    private static readonly ScoredPassage Scored = new(Found, 0.625);
    private static readonly Citation Cited = new(1, Doc, 2, 3, 10, 20, 4, "ten marks.", "Fees");
    private static readonly Chunk Piece = new(3, 10, 20, 4, ["One", "Two"], "ten marks.", Embedding.Of([1, -0.5f]));
    private static readonly Turn Answered = new(Q, "How much?", At, TurnStatus.Completed, "Ten marks. [1]", [Cited], true, "late", Rating.Down) { Partial = true, Unsupported = [new UnsupportedSpan(0, 10)] };

    private static readonly SourcePosition Position = new("kafka:documents/3", 17);
    private static readonly EmbeddingModel Model = new("e", 2);

    private static readonly MetadataCondition Condition = new("year") { In = ["2025", "2026"], From = "2020", To = "2030", Not = true };

    public static IReadOnlyList<ConversationCommand> ConversationCommands { get; } =
    [
        new Ask(Q, "How much?", Ann), new Regenerate(Q, QuestionId.Of("q0"), Ann), new Cancel(Q, Ann), new GiveFeedback(Q, Rating.Up, "good", 1, Ann),
        new Rename("Fees", Ann), new Read(Ann), new BeginAnswer(Q, "how much"), new RecordSources(Q, [Scored], true), new AppendDelta(Q, "Ten "),
        new CompleteAnswer(Q, "Ten marks. [1]", [Cited], true, "m"),
        new CompleteAnswer(Q, "Ten marks.", [], false, "m") { Unsupported = [new UnsupportedSpan(0, 10)] }, new FailAnswer(Q, "timeout", "No answer."),
    ];

    public static IReadOnlyList<ConversationEvent> ConversationEvents { get; } =
    [
        new ConversationStarted(Tenant, User, "How much?") { At = At }, new ConversationRenamed("Fees") { At = At },
        new QuestionAsked(Q, "How much?", Ann, QuestionId.Of("q0")) { At = At }, new AnswerBegun(Q, "how much") { At = At },
        new SourcesFound(Q, [Scored]) { At = At, Partial = true }, new AnswerDelta(Q, "Ten ") { At = At }, new AnswerRestarted(Q) { At = At },
        new AnswerCompleted(Q, "Ten marks. [1]", [Cited], true, "m") { At = At },
        new AnswerCompleted(Q, "Ten marks.", [], false, "m") { At = At, Unsupported = [new UnsupportedSpan(0, 10)] }, new AnswerFailed(Q, "timeout", "No answer.") { At = At },
        new AnswerCancelled(Q, User) { At = At }, new FeedbackGiven(Q, Rating.Up, "good", 1, User) { At = At },
    ];

    public static IReadOnlyList<ConversationReply> ConversationReplies { get; } =
        [Accepted.Instance, Unchanged.Instance, new Refused("invalid", "Empty."), new ConversationView("Fees", At, [Answered])];

    public static IReadOnlyList<DocumentCommand> DocumentCommands { get; } =
    [
        new Ingest(Tenant, "fees.pdf", "upload", "application/pdf", Blob, 12, Roles, Metadata), new Remove(Ann), new ChangeAccess(Roles, Ann), new Retry(),
        new ReadDocument(), new ReadText(2), new Report(2, [new Parsed(Blob, "application/pdf", "Fees", 4, 100), new Chunked(7), new Embedded("e", 2), new Indexed()]),
        new ReportFailure(2, "corrupt", "Damaged.", TimeSpan.FromSeconds(90)), new ConfirmRemoved(), new ConfirmAccess(3),
        new Ingest(Tenant, "fees.pdf", "kafka", null, Blob, 12, Roles, Metadata) { Position = Position }, new Withdraw(Position),
    ];

    public static IReadOnlyList<DocumentEvent> DocumentEvents { get; } =
    [
        new DocumentReceived(Tenant, 2, "fees.pdf", "upload", "application/pdf", Blob, 12, Roles, 3, Metadata) { At = At },
        new DocumentProgressed(2, new Parsed(Blob, "application/pdf", "Fees", 4, 100)) { At = At }, new DocumentFailed(2, "corrupt", "Damaged.", 1, At) { At = At },
        new DocumentRetried(2) { At = At }, new AccessChanged(Roles, 3, User) { At = At }, new AccessApplied(3) { At = At },
        new RemovalRequested(User) { At = At }, new DocumentRemoved { At = At },
        new DocumentReceived(Tenant, 2, "fees.pdf", "kafka", null, Blob, 12, Roles, 3, Metadata) { At = At, Position = Position },
        new AccessChanged(Roles, 3, User) { At = At, Position = Position }, new RemovalRequested(User) { At = At, Position = Position },
    ];

    public static IReadOnlyList<DocumentReply> DocumentReplies { get; } =
    [
        new DocumentAccepted(2), new DocumentUnchanged(2), new DocumentRefused(DocumentRefusals.NotFound, "No."), new TextFound(2, Blob, "Fees", 4, Roles),
        new DocumentView(
            Tenant, "fees.pdf", "upload", "Fees", "application/pdf", 2, 12, Blob, Blob, 4, 7, Roles, Metadata, DocumentStatus.Failed, "corrupt", "Damaged.", At, At, At),
    ];

    public static IReadOnlyList<PublicationCommand> PublicationCommands { get; } =
        [new BeginPublication(), new AdvancePublication(new SortedDictionary<int, long> { [7] = 42 })];

    public static IReadOnlyList<PublicationEvent> PublicationEvents { get; } =
        [new PublicationBegun { At = At }, new PublicationAdvanced(new SortedDictionary<int, long> { [7] = 42 }) { At = At }];

    public static IReadOnlyList<PublicationReply> PublicationReplies { get; } = [PublicationDone.Instance];

    public static IReadOnlyList<PartitionCommand> PartitionCommands { get; } =
    [
        new IndexChunks(Doc, 2, "Fees", Roles, 3, Metadata, "e", [Piece]), new RemoveChunks(Doc, 2), new RestrictChunks(Doc, Roles, 3), new CountTerms("how much"),
        new FindPassages("how much", Embedding.Of([1, -0.5f]), Terms(), Roles, new SearchFilter([Doc], Metadata), 60), new DescribePartition(),
        new BeginReembedding(Model), new ReembedChunks(Doc, 2, Model, [Embedding.Of([1, -0.5f])]), new EndReembedding(Model, true, new ModelComparison(7, 0.5, 0.75)),
        new CountTerms("+how -much") { Syntax = QuerySyntax.Operators, Terms = ["fee"] },
        new FindPassages("+how -much", null, Terms(), Roles, new SearchFilter([], Metadata) { Conditions = [Condition] }, 60)
        {
            Syntax = QuerySyntax.Operators,
            Expansion = [new ExpandedTerm("fee", 0.5)],
            Explain = true,
            Boosts = [new Boost(Condition, 2), new Boost(new MetadataCondition("date"), 0.5) { HalfLife = TimeSpan.FromDays(30), Now = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero) }],
            Facets = ["year"],
            VectorModel = Model,
            OtherVectors = [new QueryVector(Model, Embedding.Of([1, -0.5f]))],
        },
        new FindPassages("fees", null, Terms(), Roles, SearchFilter.None, 60) { Scores = true },
        new ReadNeighbours([Scored.Passage.Id], 1, Roles),
    ];

    public static IReadOnlyList<PartitionEvent> PartitionEvents { get; } =
        [new ChunksIndexed(Doc, 2, "Fees", Roles, 3, Metadata, "e", [Piece]), new ChunksRemoved(Doc, 2), new ChunksRestricted(Doc, Roles, 3), new ReembeddingBegun(Model),
            new ChunksReembedded(Doc, 2, Model, [Embedding.Of([1, -0.5f])]), new ReembeddingEnded(Model, true, new ModelComparison(7, 0.5, 0.75))];

    public static IReadOnlyList<PartitionReply> PartitionReplies { get; } =
        [new PartitionDone(true), Terms(), new PassagesFound([Scored], [Scored]), new PartitionDescribed(1, 7, 1234),
            Terms() with { Model = Model }, new PartitionDescribed(1, 7, 1234) { Model = Model, Next = Model, Reembedded = 1 },
            new PassagesFound([Scored], [])
            {
                Explanations = [new PassageExplanation(Scored.Passage.Id, 1.5, [new TermExplanation("fee", 1, 5, 0.25, 2, 1, 0, 4.5, 1.5)], 0.75)],
                Factors = [new PassageFactor(Scored.Passage.Id, 0.5)],
                Facets = new Dictionary<string, IReadOnlyList<FacetValue>> { ["year"] = [new FacetValue("2026", 3)] },
            },
            new PassagesFound([], []) { Scores = [new PassageScores(Scored.Passage.Id, 1.5, 0.75, Embedding.Of([1, -0.5f])), new PassageScores(Scored.Passage.Id, 0, null, null)] },
            new NeighboursRead([Found])];

    public static IReadOnlyList<FlagCommand> FlagCommands { get; } = [new SetFlag("vectors", false, "ann", "GPU is away"), new ReadFlags()];

    public static IReadOnlyList<FlagEvent> FlagEvents { get; } = [new FlagSet("vectors", false, "ann", "GPU is away") { At = At }, new FlagSet("vectors", null, "ann", "back") { At = At }];

    public static IReadOnlyList<FlagReply> FlagReplies { get; } =
        [new FlagsRead(new SortedDictionary<string, FlagSet> { ["vectors"] = new("vectors", true, "ann", "back") { At = At } }), new FlagRefused("No.")];

    private static TermStatistics Terms() => new(7, new SortedDictionary<string, long> { ["body"] = 70 }, new SortedDictionary<string, long> { ["fee"] = 5 });
}
