using FsCheck;
using FsCheck.Fluent;
using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Tests.Cluster;

public sealed class PlacementTests
{
    private static readonly Dictionary<int, NodeIncarnation> Nothing = [];
    private static readonly string[] Types = ["alpha", "beta", "gamma"];

    [Fact]
    public void Shards_without_an_owner_go_to_the_least_loaded_and_few_at_a_time()
    {
        var nodes = Nodes("a", "b");
        var shards = Shards("alpha", 10, n => n < 3 ? nodes[0].Node : null);
        var plan = Placement.Plan(nodes, shards, Nothing, maxClaims: 4, maxMoves: 2);
        plan.ShouldBe([
            new Take(4, 0, nodes[1].Node), new Take(5, 0, nodes[1].Node), new Take(6, 0, nodes[1].Node), new Take(7, 0, nodes[0].Node),
        ]);
    }

    [Fact]
    public void An_owner_that_does_not_live_is_none_and_one_that_drains_keeps_what_it_has()
    {
        var (a, b) = (Node("a"), Node("b") with { Eligible = false });
        var dead = new NodeIncarnation("dead", 1);
        Placement.Plan([a, b], Shards("alpha", 3, n => n == 0 ? dead : b.Node), Nothing, 10, 10).ShouldBe([new Take(1, 0, a.Node)]);
    }

    [Fact]
    public void Nobody_gets_what_it_does_not_keep()
    {
        var nodes = new[] { Node("a") with { Hosts = ["beta"] }, Node("b") };
        Placement.Plan(nodes, Shards("alpha", 4, _ => null), Nothing, 10, 10).ShouldAllBe(proposal => proposal.Target == nodes[1].Node);
        Placement.Plan([nodes[0]], Shards("alpha", 4, _ => null), Nothing, 10, 10).ShouldBeEmpty();
        Placement.Plan(nodes, Shards("alpha", 4, _ => nodes[1].Node), Nothing, 10, 10).ShouldBeEmpty("there is nowhere else");
    }

    [Fact]
    public void A_difference_of_one_is_balance()
    {
        var nodes = Nodes("a", "b");
        Placement.Plan(nodes, Shards("alpha", 5, n => nodes[n % 2].Node), Nothing, 10, 10).ShouldBeEmpty();
        Placement.Plan(nodes, Shards("alpha", 6, n => nodes[n < 4 ? 0 : 1].Node), Nothing, 10, 10).ShouldBe([new Move(4, 0, nodes[0].Node, nodes[1].Node)]);
    }

    [Fact]
    public void What_is_proposed_already_is_counted_and_not_proposed_again()
    {
        var nodes = Nodes("a", "b");
        var shards = Shards("alpha", 4, _ => null);
        var pending = new Dictionary<int, NodeIncarnation> { [1] = nodes[0].Node, [2] = nodes[0].Node };
        Placement.Plan(nodes, shards, pending, 10, 10).ShouldBe([new Take(3, 0, nodes[1].Node), new Take(4, 0, nodes[1].Node)]);
    }

    [Fact]
    public void From_anywhere_following_the_plans_leads_to_balance_and_then_to_rest()
    {
        var (moved, claimed) = (0, 0);
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(500),
            Prop.ForAll(Arb.From(Worlds()), world =>
            {
                var (nodes, shards) = world;
                var homes = shards.ToArray();
                for (var pass = 0; ; pass++)
                {
                    var plan = Placement.Plan(nodes, homes, Nothing, 3, 2);
                    if (plan.Count == 0)
                    {
                        break;
                    }

                    pass.ShouldBeLessThan(shards.Length * 3, "it comes to rest");
                    plan.Select(proposal => proposal.ShardId).ShouldBeUnique();
                    foreach (var proposal in plan)
                    {
                        var shard = homes[proposal.ShardId - 1];
                        var target = nodes.Single(node => node.Node == proposal.Target);
                        target.Eligible.ShouldBeTrue();
                        target.Hosts.ShouldContain(shard.EntityType);
                        if (proposal is Move move)
                        {
                            move.Owner.ShouldBe(shard.Owner!.Value);
                            moved++;
                        }
                        else
                        {
                            nodes.Any(node => node.Node == shard.Owner).ShouldBeFalse();
                            claimed++;
                        }

                        homes[proposal.ShardId - 1] = shard with { Owner = proposal.Target, Epoch = shard.Epoch + 1 };
                    }
                }

                foreach (var type in Types)
                {
                    var hosts = nodes.Where(node => node.Eligible && node.Hosts.Contains(type)).ToList();
                    var loads = hosts.Select(node => homes.Count(shard => shard.EntityType == type && shard.Owner == node.Node)).ToList();
                    (loads.Count == 0 ? 0 : loads.Max() - loads.Min()).ShouldBeLessThanOrEqualTo(1);
                    if (hosts.Count > 0)
                    {
                        homes.Where(shard => shard.EntityType == type).All(shard => nodes.Any(node => node.Node == shard.Owner)).ShouldBeTrue();
                    }
                }

                if (nodes.All(node => node.Eligible && node.Hosts.Count == Types.Length))
                {
                    var totals = nodes.Select(node => homes.Count(shard => shard.Owner == node.Node)).ToList();
                    (totals.Max() - totals.Min()).ShouldBeLessThanOrEqualTo(1, "over all types, too");
                }
            }));
        moved.ShouldBeGreaterThan(500);
        claimed.ShouldBeGreaterThan(1000);
    }

    private static Gen<(PlacementNode[] Nodes, ShardRow[] Shards)> Worlds() =>
        from nodes in Gen.Choose(1, 5).SelectMany(count => Gen.ArrayOf(
            from eligible in Gen.Frequency((5, Gen.Constant(true)), (1, Gen.Constant(false)))
            from hosts in Gen.Frequency((4, Gen.Constant(Types)), (1, Gen.SubListOf(Types).Select(list => list.ToArray())))
            select (eligible, hosts), count))
        from shards in Gen.ArrayOf(from type in Gen.Elements(Types) from owner in Gen.Frequency((2, Gen.Constant(0)), (1, Gen.Choose(-1, 5))) select (type, owner))
        let known = nodes.Select((node, n) => new PlacementNode(new NodeIncarnation($"node-{n}", n + 1), node.eligible, node.hosts)).ToArray()
        select (known, shards.Select((shard, n) => new ShardRow(
            n + 1,
            shard.type,
            n,
            shard.owner < 0 ? null : shard.owner < known.Length ? known[shard.owner].Node : new NodeIncarnation($"node-{shard.owner - known.Length}", 99),
            n)).ToArray());

    private static PlacementNode Node(string name) => new(new NodeIncarnation(name, 1), true, Types);

    private static PlacementNode[] Nodes(params string[] names) => [.. names.Select(Node)];

    private static ShardRow[] Shards(string type, int count, Func<int, NodeIncarnation?> owner) =>
        [.. Enumerable.Range(0, count).Select(n => new ShardRow(n + 1, type, n, owner(n), 0))];
}
