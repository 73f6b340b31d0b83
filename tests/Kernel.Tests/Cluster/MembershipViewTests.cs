using FsCheck;
using FsCheck.Fluent;
using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Tests.Cluster;

public sealed class MembershipViewTests
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Who_is_expired_dead_or_left_is_no_member_and_the_first_that_is_up_is_the_oldest()
    {
        var view = MembershipView.From(
        [
            Row("left", NodeState.Left, 0), Row("dead", NodeState.Dead, 1, expired: true), Row("silent", NodeState.Up, 2, expired: true),
            Row("drains", NodeState.Draining, 3), Row("b", NodeState.Up, 4), Row("a", NodeState.Up, 4), Row("new", NodeState.Joining, 5),
        ]);
        view.Members.Select(member => member.Node.Node).ShouldBe(["drains", "a", "b", "new"]);
        view.Oldest!.Node.Node.ShouldBe("a");
        view.RankOf(new NodeIncarnation("a", 1)).ShouldBe(0);
        view.RankOf(new NodeIncarnation("b", 1)).ShouldBe(1);
        view.RankOf(new NodeIncarnation("drains", 1)).ShouldBeNull("it places nothing any more");
        view.IsAlive(new NodeIncarnation("a", 2)).ShouldBeFalse("another life is another member");
    }

    [Fact]
    public void Who_is_declared_dead_before_its_lease_is_over_lingers()
    {
        var view = MembershipView.From([Row("a", NodeState.Dead, 0), Row("b", NodeState.Dead, 1, expired: true), Row("c", NodeState.Left, 1)]);
        view.Members.ShouldBeEmpty();
        view.Lingering.ShouldBe([new NodeIncarnation("a", 1)]);
    }

    [Fact]
    public void The_changes_between_two_views_lead_from_one_to_the_other()
    {
        var seen = new Dictionary<MemberChange, int>();
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(500),
            Prop.ForAll(Arb.From(Rows()), Arb.From(Rows()), (before, after) =>
            {
                var (former, view) = (MembershipView.From(before), MembershipView.From(after));
                var state = former.Members.ToDictionary(member => member.Node, member => member.State);
                foreach (var (member, change) in view.Since(former))
                {
                    seen[change] = seen.GetValueOrDefault(change) + 1;
                    if (change == MemberChange.Gone)
                    {
                        state.Remove(member.Node).ShouldBeTrue();
                        continue;
                    }

                    state.GetValueOrDefault(member.Node, NodeState.Dead).ShouldNotBe(member.State, "no change is told twice");
                    state[member.Node] = member.State;
                }

                state.OrderBy(pair => pair.Key.Node).Select(pair => (pair.Key, pair.Value))
                    .ShouldBe(view.Members.OrderBy(member => member.Node.Node).Select(member => (member.Node, member.State)));
            }));
        Enum.GetValues<MemberChange>().ShouldAllBe(change => seen.GetValueOrDefault(change) > 50);
    }

    private static Gen<MemberRow[]> Rows() =>
        from states in Gen.ArrayOf(
            from state in Gen.Elements(Enum.GetValues<NodeState>()) from incarnation in Gen.Choose(1, 2) from expired in Gen.Elements(true, false, false) select (state, incarnation, expired), 5)
        select states.Select((row, n) => Row($"node-{n}", row.state, n, row.expired, row.incarnation)).ToArray();

    private static MemberRow Row(string node, NodeState state, int joined, bool expired = false, int incarnation = 1) =>
        new(new NodeIncarnation(node, incarnation), state, $"{node}:1", [], Start.AddSeconds(joined), expired);
}
