using RagCluster.Actors.Documents;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Identity;

namespace RagCluster.Actors.Tests.Documents;

/// <summary>A queue delivers again what it has delivered before, and old records after newer ones: neither may take effect (I6).</summary>
public class DocumentPositionTests
{
    private const string Partition = "kafka:documents/3";

    [Fact]
    public void What_is_delivered_again_changes_nothing()
    {
        var state = Do(Do(new DocumentState(), At(1, 'a')), At(2, 'b'));
        state.Version.ShouldBe(2);
        Events(state, At(1, 'a')).ShouldBeEmpty("the old content must not come back as a third version");
        Events(state, At(2, 'b')).ShouldBeEmpty();
        Events(state, At(3, 'a')).ShouldHaveSingleItem("sent anew it is a change like any other").ShouldBeOfType<DocumentReceived>().Version.ShouldBe(3);
    }

    [Fact]
    public void A_removal_that_is_delivered_again_does_not_remove_what_came_after_it()
    {
        var state = Do(Do(new DocumentState(), At(1, 'a')), new Withdraw(new SourcePosition(Partition, 2)));
        state.Status.ShouldBe(DocumentStatus.Removing);
        Events(state, At(1, 'a')).ShouldBeEmpty("removed is removed, although its content is delivered again");
        state = Do(state, At(3, 'a'));
        state.Version.ShouldBe(2);
        Events(state, new Withdraw(new SourcePosition(Partition, 2))).ShouldBeEmpty();
        Events(state, new Withdraw(new SourcePosition(Partition, 4))).ShouldHaveSingleItem().ShouldBeOfType<RemovalRequested>();
        Events(new DocumentState(), new Withdraw(null)).ShouldBeEmpty("there is nothing to remove");
    }

    [Fact]
    public void Readers_that_are_delivered_again_do_not_come_back()
    {
        var state = Do(Do(new DocumentState(), At(1, 'a')), At(2, 'a') with { Readers = RoleSet.Of("adviser") });
        state.Readers.Names.ShouldBe(["adviser"]);
        Events(state, At(1, 'a')).ShouldBeEmpty("everybody would read it again");
    }

    [Fact]
    public void Positions_of_another_stream_and_none_at_all_are_not_compared()
    {
        var state = Do(new DocumentState(), At(9, 'a'));
        Events(state, At(1, 'b') with { Position = new SourcePosition("kafka:documents/4", 1) }).ShouldHaveSingleItem();
        state = Do(state, At(0, 'b') with { Position = null });
        state.Version.ShouldBe(2);
        Events(state, At(9, 'a')).ShouldBeEmpty("what was uploaded by hand after it stays");
    }

    private static Ingest At(long offset, char content) => new(
        TenantId.Of("t"), "name", "kafka", null, BlobId.Of("sha256-" + new string(content, 64)), 1, RoleSet.Empty, new Dictionary<string, string>())
    {
        Position = new SourcePosition(Partition, offset),
    };

    private static IReadOnlyList<DocumentEvent> Events(DocumentState state, DocumentCommand command) => Document.Decide(state, command, DateTimeOffset.UnixEpoch).Events;

    private static DocumentState Do(DocumentState state, DocumentCommand command) => Events(state, command).Aggregate(state, Document.Evolve);
}
