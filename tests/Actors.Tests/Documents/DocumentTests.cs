using RagCluster.Actors.Documents;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Actors.Tests.Documents;

public sealed class DocumentTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly Principal Admin = new(TenantId.Of("t"), UserId.Of("ann"), RoleSet.Of("admin"));
    private static readonly Parsed Text = new(BlobId.Of("sha256-text"), "text/plain", "Terms", null, 100);

    [Fact]
    public void Receiving_a_document_promises_its_processing()
    {
        var decision = Decide(Given(), Offer("a"));

        decision.Events.ShouldHaveSingleItem().ShouldBeOfType<DocumentReceived>().Version.ShouldBe(1);
        decision.Reply.ShouldBe(new DocumentAccepted(1));
        Document.HasOpenWork(Given(Offer("a"))).ShouldBeTrue();
    }

    [Fact]
    public void The_same_content_again_changes_nothing_in_any_state()
    {
        Decide(Given(Offer("a")), Offer("a")).ShouldBeNothing<DocumentUnchanged>();
        Decide(Indexed(), Offer("a")).ShouldBeNothing<DocumentUnchanged>();
    }

    [Fact]
    public void Other_content_is_the_next_version_and_reports_of_the_old_one_change_nothing()
    {
        var state = Then(Indexed(), Offer("b"));
        state.Version.ShouldBe(2);
        state.Status.ShouldBe(DocumentStatus.Received);
        state.Texts.Keys.ShouldBe([1], "the old version's text stays, for citations of it");

        Decide(state, new Report(1, [new Indexed()])).ShouldBeNothing<DocumentUnchanged>();
        Decide(state, new ReportFailure(1, "corrupt", "", null)).ShouldBeNothing<DocumentUnchanged>();
    }

    [Fact]
    public void Steps_done_again_after_a_crash_are_not_news_unless_they_differ()
    {
        var state = Given(Offer("a"), new Report(1, [Text, new Chunked(3)]));
        Decide(state, new Report(1, [Text, new Chunked(3)])).ShouldBeNothing<DocumentUnchanged>();

        var other = Text with { Text = BlobId.Of("sha256-other") };
        Decide(state, new Report(1, [other, new Chunked(3)])).Events.Count.ShouldBe(2, "what follows a different step is different, too");
    }

    [Fact]
    public void A_passing_failure_is_tried_again_and_a_final_one_is_not()
    {
        var state = Given(Offer("a"), new ReportFailure(1, FailureCodes.EmbeddingUnavailable, "down", TimeSpan.FromSeconds(2)));
        state.RetryAt.ShouldBe(Now.AddSeconds(2));
        Document.HasOpenWork(state).ShouldBeTrue();

        state = Then(state, new Retry(), new ReportFailure(1, FailureCodes.Corrupt, "broken", null));
        state.Attempts.ShouldBe(2);
        Document.HasOpenWork(state).ShouldBeFalse();
        Then(state, new Retry()).Status.ShouldBe(DocumentStatus.Received);
    }

    [Fact]
    public void Sending_a_failed_document_again_tries_it_again() =>
        Then(Given(Offer("a"), new ReportFailure(1, FailureCodes.Corrupt, "broken", null)), Offer("a")).Status.ShouldBe(DocumentStatus.Received);

    [Fact]
    public void New_readers_are_open_work_until_the_index_applies_the_newest()
    {
        var state = Then(Indexed(), new ChangeAccess(RoleSet.Of("adviser"), Admin), new ChangeAccess(RoleSet.Of("underwriter"), Admin));
        state.AccessPending.ShouldBeTrue();
        Document.HasOpenWork(state).ShouldBeTrue();

        Decide(state, new ConfirmAccess(state.AccessRevision - 1)).ShouldBeNothing<DocumentUnchanged>();
        Document.HasOpenWork(Then(state, new ConfirmAccess(state.AccessRevision))).ShouldBeFalse();
    }

    [Fact]
    public void A_new_version_with_other_readers_restricts_the_old_one_first()
    {
        var state = Then(Indexed(), Offer("b", "underwriter"));
        state.AccessPending.ShouldBeTrue("version 1 is still found, with the old readers");

        Given(Offer("a", "underwriter")).AccessPending.ShouldBeFalse("nothing is in the index yet");
    }

    [Fact]
    public void Removing_is_open_work_until_the_index_has_forgotten()
    {
        var state = Then(Indexed(), new Remove(Admin));
        Document.HasOpenWork(state).ShouldBeTrue();
        Decide(state, new ReadDocument()).ShouldBeNothing<DocumentRefused>();

        state = Then(state, new ConfirmRemoved());
        Document.HasOpenWork(state).ShouldBeFalse();
        Decide(state, new ReadText(1)).ShouldBeNothing<DocumentRefused>();
        Decide(state, new Remove(Admin)).ShouldBeNothing<DocumentUnchanged>();
        Then(state, Offer("a")).Version.ShouldBe(2, "the same content after a removal is a new version");
    }

    [Fact]
    public void Text_of_every_version_is_found_with_the_readers_of_now()
    {
        var state = Then(Indexed(), new ChangeAccess(RoleSet.Of("adviser"), Admin));
        var found = Decide(state, new ReadText(null)).ShouldBeNothing<TextFound>();
        found.Version.ShouldBe(1);
        found.Readers.ShouldBe(RoleSet.Of("adviser"));
        Decide(state, new ReadText(7)).ShouldBeNothing<DocumentRefused>();
    }

    [Fact]
    public void Another_tenant_finds_nothing() =>
        Decide(Indexed(), Offer("a") with { Tenant = TenantId.Of("other") }).ShouldBeNothing<DocumentRefused>();

    private static Ingest Offer(string content, params string[] readers) =>
        new(TenantId.Of("t"), "terms.txt", "upload", null, BlobId.Of("sha256-" + content), 10, RoleSet.Of(readers), new Dictionary<string, string> { ["a"] = "b" });

    private static DocumentState Indexed() =>
        Given(Offer("a"), new Report(1, [Text, new Chunked(3)]), new Report(1, [new Embedded("m", 8), new Indexed()]));

    private static DocumentState Given(params DocumentCommand[] commands) => Then(Document.Initial(new EntityId("t/d")), commands);

    private static DocumentState Then(DocumentState state, params DocumentCommand[] commands)
    {
        foreach (var command in commands)
        {
            var events = Decide(state, command).Events;
            events.ShouldNotBeEmpty($"{command.GetType().Name} was to change something");
            state = events.Aggregate(state, Document.Evolve);
        }

        return state;
    }

    private static Decision<DocumentEvent, DocumentReply> Decide(DocumentState state, DocumentCommand command) =>
        Document.Decide(state, command, Now);
}
