using FsCheck;
using FsCheck.Fluent;
using RagCluster.Actors.Partitions;
using RagCluster.Kernel.Entities;
using RagCluster.Messages;
using RagCluster.Messages.Identity;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors.Tests.Partitions;

public sealed class PartitionTests
{
    private static readonly DocumentId D = DocumentId.Of("d");

    [Fact]
    public void An_older_version_never_replaces_a_newer_one()
    {
        var state = Apply(new PartitionState(), Index(2));
        Decide(state, Index(1)).Events.ShouldBeEmpty();
        Decide(state, Index(2)).Events.ShouldBeEmpty();
        Decide(state, Index(3)).Events.ShouldHaveSingleItem();
    }

    [Fact]
    public void A_removed_version_that_arrives_late_stays_out()
    {
        var state = Apply(new PartitionState(), new RemoveChunks(D, 2));
        Decide(state, Index(2)).Events.ShouldBeEmpty();
        Apply(state, Index(3)).Documents[D].Version.ShouldBe(3);
    }

    [Fact]
    public void Removing_an_old_version_leaves_a_newer_one() =>
        Apply(Apply(new PartitionState(), Index(3)), new RemoveChunks(D, 2)).Documents[D].Version.ShouldBe(3);

    [Fact]
    public void Chunks_that_arrive_with_outdated_readers_get_the_newest()
    {
        var state = Apply(new PartitionState(), new RestrictChunks(D, RoleSet.Of("underwriter"), 5));
        Decide(state, Index(1, 4)).Events.ShouldHaveSingleItem().ShouldBeOfType<ChunksIndexed>().Readers.ShouldBe(RoleSet.Of("underwriter"));
        Decide(state, new RestrictChunks(D, RoleSet.Empty, 4)).Events.ShouldBeEmpty();
    }

    /// <summary>Whatever the order and repetition in which commands arrive, the newest version and readers win.</summary>
    [Fact]
    public void Order_and_repetition_of_delivery_do_not_matter()
    {
        var command = Gen.OneOf<PartitionCommand>(
            Gen.Choose(1, 4).Select(v => (PartitionCommand)Index(v, v)),
            Gen.Choose(1, 4).Select(v => (PartitionCommand)new RemoveChunks(D, v)),
            Gen.Choose(1, 4).Select(a => (PartitionCommand)new RestrictChunks(D, RoleSet.Of($"r{a}"), a)));
        var property = Prop.ForAll(Arb.From(command.ListOf()), commands =>
        {
            var once = commands.Aggregate(new PartitionState(), Apply);
            var backAndForth = Enumerable.Reverse(commands).Concat(commands).Aggregate(new PartitionState(), Apply);
            if (commands.Count == 0)
            {
                return true;
            }

            var (a, b) = (once.Documents[D], backAndForth.Documents[D]);
            var removed = commands.OfType<RemoveChunks>().Select(c => c.UpToVersion).DefaultIfEmpty(0).Max();
            var newest = commands.OfType<IndexChunks>().Select(c => c.Version).Where(v => v > removed).DefaultIfEmpty(0).Max();
            return (a.Version, a.RemovedUpTo) == (b.Version, b.RemovedUpTo)
                && a.Version == newest
                && a.RemovedUpTo == removed
                && a.AccessRevision >= a.Version
                && a.AccessRevision >= commands.OfType<RestrictChunks>().Select(c => c.AccessRevision).DefaultIfEmpty(0).Max();
        });
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(300), property);
    }

    private static IndexChunks Index(int version, int access = 1) =>
        new(D, version, "T", RoleSet.Of($"r{access}"), access, new Dictionary<string, string>(), "m", []);

    private static PartitionState Apply(PartitionState state, PartitionCommand command) =>
        Decide(state, command).Events.Aggregate(state, Partition.Evolve);

    private static Decision<PartitionEvent, PartitionReply> Decide(PartitionState state, PartitionCommand command) =>
        Partition.Decide(state, command, DateTimeOffset.UnixEpoch);
}
