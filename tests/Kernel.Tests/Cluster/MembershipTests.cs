using System.Diagnostics.Metrics;
using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Tests.Entities;
using RagCluster.Kernel.Transport;
using static RagCluster.Kernel.Tests.Cluster.ClusterWorld;

namespace RagCluster.Kernel.Tests.Cluster;

public sealed class MembershipTests
{
    [Fact]
    public void A_node_is_up_only_when_it_reaches_every_member_and_they_reach_it() => Simulate(async world =>
    {
        await world.StartAsync(2);
        world.Network.CutOneWay("node-1:1", "late:1");
        var late = world.StartAsync("late");
        await Task.Delay(TimeSpan.FromSeconds(20), world.Runtime.Time);
        late.IsCompleted.ShouldBeFalse();
        (await StateOfAsync(world, "late")).ShouldBe(NodeState.Joining);
        world.Network.Heal("node-1:1", "late:1");
        await late;
        (await StateOfAsync(world, "late")).ShouldBe(NodeState.Up);
        await world.BalancedAsync();
    });

    [Fact]
    public void A_member_that_is_gone_does_not_keep_others_from_joining() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(2);
        world.Kill(nodes[1], silently: true);
        var start = world.Runtime.Time.GetTimestamp();
        await world.StartAsync("late");
        world.Runtime.Time.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(4));
    });

    [Fact]
    public void Two_nodes_cannot_have_one_address() => Simulate(async world =>
    {
        await world.StartAsync("a");
        var machine = world.Runtime.NewNode("b");
        (await EntityTests.ThrowsAsync<StoreRefusedException>(() => machine.Run(async () => await ShardedEntities.JoinAsync(
            new ActorSystem("b", machine), world.Store, world.Network.CreateEndpoint("a:1", machine), new ClusterOptions(), new ShardedEntitiesOptions { Node = "b" }))))
            .Message.ShouldContain("a:1");
    });

    [Fact]
    public void A_node_that_cannot_reach_the_store_stops_itself_before_others_take_its_shards() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(3);
        var account = await world.AccountOnAsync(nodes[1]);
        await nodes[0].AskAsync(account, new Deposit(1));
        world.Store.Faults.Other = () => SynchronizationContext.Current == nodes[1].Machine;
        var start = world.Runtime.Time.GetTimestamp();
        (await nodes[1].Entities.Lost).ShouldContain("could not renew");
        var lost = world.Runtime.Time.GetElapsedTime(start);
        lost.ShouldBeInRange(TimeSpan.FromMilliseconds(1300), TimeSpan.FromMilliseconds(2200));
        (await world.OwnerOfAsync(account)).ShouldBe(nodes[1].Entities.Node, "not yet taken over");
        (await nodes[0].AskAsync(account, new Deposit(1))).ShouldBe(EntityTests.Reply(2, 2));
    });

    [Fact]
    public void A_member_that_an_operator_declares_dead_stops_at_once_and_its_shards_move_when_its_lease_is_over() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(3);
        (await nodes[0].Machine.Run(async () => (await nodes[0].Entities.DownAsync(nodes[2].Entities.Node)).ShouldBeTrue()).EndsWithin(TimeSpan.FromSeconds(1), world.Runtime.Time)).ShouldBeTrue();
        (await nodes[2].Entities.Lost.EndsWithin(TimeSpan.FromMilliseconds(200), world.Runtime.Time)).ShouldBeTrue();
        (await nodes[2].Entities.Lost).ShouldContain("dead");
        await nodes[0].Machine.Run(async () => (await nodes[0].Entities.DownAsync(nodes[2].Entities.Node)).ShouldBeFalse());
        world.Kill(nodes[2]);
        await world.BalancedAsync();
    });

    [Fact]
    public void A_cut_link_makes_suspects_and_the_row_decides() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(3);
        world.Network.Cut("node-0:1", "node-1:1");
        await world.UntilAsync("they suspect each other", () => Task.FromResult(Suspects(nodes[0]).Contains("node-1") && Suspects(nodes[1]).Contains("node-0")));
        Suspects(nodes[2]).ShouldBeEmpty();
        await Task.Delay(TimeSpan.FromSeconds(20), world.Runtime.Time);
        (await world.Store.ListMembersAsync()).ShouldAllBe(member => member.State == NodeState.Up, "both renew their leases: nobody is dead");
        nodes.ShouldAllBe(node => !node.Entities.Lost.IsCompleted);
        world.Network.HealAll();
        await world.UntilAsync("nobody is suspected", () => Task.FromResult(nodes.All(node => !Suspects(node).Any())));
    });

    [Fact]
    public void A_node_that_restarts_is_a_new_member_and_its_shards_do_not_wait_for_the_old_one_s_lease() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(2);
        var account = await world.AccountOnAsync(nodes[1]);
        await nodes[0].AskAsync(account, new Deposit(1));
        world.Kill(nodes[1]);
        var start = world.Runtime.Time.GetTimestamp();
        var again = await world.StartAsync("node-1");
        again.Entities.Node.Incarnation.ShouldBe(2);
        (await again.AskAsync(account, new Deposit(1))).ShouldBe(EntityTests.Reply(2, 2));
        world.Runtime.Time.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(1));
    });

    [Fact]
    public void Shards_come_to_life_though_the_oldest_member_reaches_nobody() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(3);
        world.Network.Isolate("node-0:1");
        world.Kill(nodes[2]);
        var account = await world.AccountOnAsync(nodes[1]);
        await world.UntilAsync("every shard has an owner that lives", async () =>
        {
            var members = await world.Store.ListMembersAsync();
            return (await world.Store.ListShardsAsync()).All(shard => members.Any(member => member.Node == shard.Owner && member.State == NodeState.Up && !member.Expired));
        });
        (await nodes[1].AskAsync(account, new Deposit(1))).Seq.ShouldBe(1);
    });

    [Fact]
    public void The_same_seed_gives_the_same_run()
    {
        static (ulong Hash, long Steps) Run(int seed)
        {
            var world = new ClusterWorld(seed);
            world.Store.Faults.Delay = () => TimeSpan.FromMilliseconds(world.Runtime.Random.Next(5));
            world.Runtime.RunToEnd(async () =>
            {
                var nodes = await world.StartAsync(3);
                for (var n = 0; n < 50; n++)
                {
                    await nodes[n % 2].AskAsync($"account-{n % 7}", new Deposit(1));
                    if (n == 20)
                    {
                        world.Kill(nodes[2]);
                    }
                }

                await nodes[1].StopAsync();
            });
            world.Runtime.ForeignSteps.ShouldBe(0);
            return (world.Runtime.TraceHash, world.Runtime.Steps);
        }

        Run(5).ShouldBe(Run(5));
        Run(5).ShouldNotBe(Run(6));
    }

    [Fact]
    public void The_metrics_tell_who_is_there_and_where_the_shards_are() => Simulate(async world =>
    {
        // Names of their own: other worlds of this process are measured, too.
        var (first, second) = (await world.StartAsync("metered-1"), await world.StartAsync("metered-2"));
        await world.BalancedAsync();
        var measured = new Dictionary<string, double>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.IsObservable && instrument.Name.StartsWith("ragcluster.cluster.", StringComparison.Ordinal))
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => measured[Key(instrument, tags)] = value);
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => measured[Key(instrument, tags)] = value);
        listener.Start();
        listener.RecordObservableInstruments();
        measured["ragcluster.cluster.members node=metered-2 state=up"].ShouldBe(2);
        measured["ragcluster.cluster.suspects node=metered-2"].ShouldBe(0);
        measured["ragcluster.cluster.shards node=metered-2 state=open"].ShouldBe(6);
        measured["ragcluster.cluster.shards node=metered-2 state=elsewhere"].ShouldBe(6);
        measured["ragcluster.cluster.lease.left node=metered-2"].ShouldBeInRange(0.5, 2.2);
        await second.StopAsync();
        measured.Clear();
        listener.RecordObservableInstruments();
        measured.ShouldNotContainKey("ragcluster.cluster.lease.left node=metered-2", "it has left");
        measured.ShouldContainKey($"ragcluster.cluster.lease.left node={first.Entities.Node.Node}");

        static string Key(Instrument instrument, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var key = instrument.Name;
            foreach (var tag in tags)
            {
                key += $" {tag.Key}={tag.Value}";
            }

            return key;
        }
    });

    private static IEnumerable<string> Suspects(ClusterAccountNode node) =>
        node.Entities.DescribeCluster()!.Members.Where(member => member.Suspect).Select(member => member.Node.Node);

    private static async Task<NodeState> StateOfAsync(ClusterWorld world, string node) =>
        (await world.Store.ListMembersAsync()).Single(member => member.Node.Node == node).State;
}
