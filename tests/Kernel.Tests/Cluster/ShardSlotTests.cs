using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Tests.Cluster;

public sealed class ShardSlotTests
{
    private static readonly Peer A = new(new NodeIncarnation("a", 1), "a:1");
    private static readonly Peer B = new(new NodeIncarnation("b", 1), "b:1");

    private readonly ShardSlot _slot = new(1, "account", 0, TimeProvider.System);

    [Fact]
    public void The_greater_epoch_wins_and_under_one_epoch_on_its_way_is_newer_than_its_owner()
    {
        _slot.Learn(new ShardRoute(A, 3)).ShouldBeTrue();
        _slot.Learn(new ShardRoute(B, 2)).ShouldBeFalse("somebody is late");
        _slot.Learn(new ShardRoute(null, 3)).ShouldBeTrue();
        _slot.Learn(new ShardRoute(A, 3)).ShouldBeFalse();
        _slot.Learn(new ShardRoute(B, 4)).ShouldBeTrue();
        _slot.Route.ShouldBe(new ShardRoute(B, 4));
    }

    /// <summary>Whatever made this node believe so, it must not send no commands there for ever.</summary>
    [Fact]
    public void The_store_s_row_wins_in_the_end_against_a_shard_that_is_on_its_way_for_ever()
    {
        _slot.Learn(new ShardRoute(null, 3));
        _slot.LearnFromStore(new ShardRoute(A, 2)).ShouldBeFalse();
        _slot.LearnFromStore(new ShardRoute(A, 3)).ShouldBeFalse("read before it was given up, perhaps");
        _slot.LearnFromStore(new ShardRoute(A, 3)).ShouldBeFalse();
        _slot.LearnFromStore(new ShardRoute(A, 3)).ShouldBeTrue();
        _slot.Route.ShouldBe(new ShardRoute(A, 3));
        _slot.Learn(new ShardRoute(null, 3)).ShouldBeTrue("the owner says again that it is");
        _slot.LearnFromStore(new ShardRoute(B, 4)).ShouldBeTrue();
    }
}
