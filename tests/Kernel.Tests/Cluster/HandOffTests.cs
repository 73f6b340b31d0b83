using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Tests.Entities;
using RagCluster.TestKit;
using static RagCluster.Kernel.Tests.Cluster.ClusterWorld;

namespace RagCluster.Kernel.Tests.Cluster;

public sealed class HandOffTests
{
    [Fact]
    public void Two_nodes_that_leave_at_once_do_not_hold_each_other_up_and_no_request_fails() => Simulate(async world =>
    {
        var nodes = (await world.StartAsync(4)).ToArray();
        await UnderLoadAsync(world, [nodes[0], nodes[1]], TimeSpan.FromMilliseconds(300), async () =>
        {
            var start = world.Runtime.Time.GetTimestamp();
            var (one, other) = (nodes[2].StopAsync(), nodes[3].StopAsync());
            await one;
            await other;
            world.Runtime.Time.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(1));
            await world.BalancedAsync();
        });
    });

    [Fact]
    public void A_new_node_gets_its_share_and_no_request_fails() => Simulate(async world =>
    {
        var nodes = (await world.StartAsync(2)).ToArray();
        await UnderLoadAsync(world, nodes, TimeSpan.FromMilliseconds(300), async () =>
        {
            await world.StartAsync("late");
            await world.BalancedAsync();
        });
    });

    [Fact]
    public void A_whole_cluster_is_rolled_and_no_request_fails() => Simulate(
        async world =>
        {
            await world.StartAsync(3);
            await UnderLoadAsync(world, world.Nodes, TimeSpan.FromMilliseconds(400), async () =>
            {
                for (var n = 0; n < 3; n++)
                {
                    // As a supervisor does: no more requests to it, then stop, then start again under its name.
                    var node = world.Nodes[0];
                    world.Nodes.RemoveAt(0);
                    await node.StopAsync();
                    await world.StartAsync($"node-{n}");
                }

                await world.BalancedAsync();
            });
        });

    [Fact]
    public void A_draining_node_still_finds_the_way() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(2);
        await nodes[1].Machine.Run(() => nodes[1].Entities.DrainAsync(TimeSpan.FromSeconds(10)));
        nodes[1].Entities.Describe().ShouldAllBe(shard => !shard.Open);
        for (var n = 0; n < 20; n++)
        {
            (await nodes[1].AskAsync($"account-{n}", new Deposit(1))).Seq.ShouldBe(1);
        }

        await Task.Delay(TimeSpan.FromSeconds(10), world.Runtime.Time);
        nodes[1].Entities.Describe().ShouldAllBe(shard => !shard.Open, "nothing is placed there any more");
        (await world.Store.ListMembersAsync()).Single(member => member.Node == nodes[1].Entities.Node).State.ShouldBe(NodeState.Draining);
    });

    [Fact]
    public void The_last_one_leaves_its_shards_to_whoever_comes() => Simulate(async world =>
    {
        var node = await world.StartAsync("first");
        await node.AskAsync("alice", new Deposit(1));
        await node.StopAsync();
        await EntityTests.ThrowsAsync<EntityUnavailableException>(() => node.AskAsync("alice", new Deposit(1)));
        (await world.Store.ListShardsAsync()).ShouldAllBe(shard => shard.Owner == null);
        var next = await world.StartAsync("next");
        (await next.AskAsync("alice", new Deposit(1))).ShouldBe(EntityTests.Reply(2, 2));
    });

    [Fact]
    public void What_does_not_end_within_the_budget_is_cut_and_the_node_leaves_all_the_same()
    {
        var world = new ClusterWorld
        {
            Behavior = _ => new ScriptedBehavior { Committed = (_, events) => events[0].Event is Broken ? Task.Delay(Timeout.Infinite) : Task.CompletedTask },
        };
        world.Runtime.RunToEnd(async () =>
        {
            var nodes = await world.StartAsync(2);
            var account = await world.AccountOnAsync(nodes[1]);
            var hanging = nodes[0].AskAsync(account, new Break("hang"), "hang", TimeSpan.FromSeconds(20));
            await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
            var start = world.Runtime.Time.GetTimestamp();
            await nodes[1].StopAsync(TimeSpan.FromSeconds(4));
            world.Runtime.Time.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(5));
            (await nodes[0].AskAsync(account, new Balance())).Seq.ShouldBe(1, "it was durable, and its next owner knows it");
            (await hanging).Seq.ShouldBe(1, "asked again with its id, it gets its reply");
        });
    }

    [Fact]
    public void A_shard_is_moved_where_somebody_wants_it() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(2);
        var account = await world.AccountOnAsync(nodes[0]);
        await nodes[0].AskAsync(account, new Deposit(3));
        nodes[1].Entities.MoveShard(Account.Type, StableHash.Bucket(account, 12), nodes[1].Entities.Node).ShouldBeTrue();
        await world.UntilAsync("it has moved", async () => await world.OwnerOfAsync(account) == nodes[1].Entities.Node);
        (await nodes[0].AskAsync(account, new Deposit(3))).ShouldBe(EntityTests.Reply(6, 2));
        nodes[1].Entities.MoveShard(Account.Type, 99, nodes[1].Entities.Node).ShouldBeFalse();
        nodes[1].Entities.MoveShard(Account.Type, 1, new NodeIncarnation("nobody", 1)).ShouldBeFalse();
    });

    [Fact]
    public void Entities_of_a_role_live_only_where_it_is_and_are_found_from_everywhere() => Simulate(async world =>
    {
        var front = await world.StartAsync("front", new ClusterOptions { Roles = ["gateway"] }, role: "keeper");
        var waiting = front.AskAsync("alice", new Deposit(1));
        await Task.Delay(TimeSpan.FromSeconds(5), world.Runtime.Time);
        waiting.IsCompleted.ShouldBeFalse("nobody keeps accounts yet, and it waits");
        var keeper = await world.StartAsync("keeper", new ClusterOptions { Roles = ["keeper"] }, role: "keeper");
        (await waiting).Seq.ShouldBe(1);
        (await front.AskAsync("bob", new Deposit(1))).Seq.ShouldBe(1);
        await Task.Delay(TimeSpan.FromSeconds(5), world.Runtime.Time);
        front.Entities.Describe().ShouldAllBe(shard => !shard.Open && shard.Owner == keeper.Entities.Node);
    });

    [Fact]
    public void So_many_commands_wait_for_a_shard_without_an_owner_and_no_more() => Simulate(async world =>
    {
        var front = await world.StartAsync("front", new ClusterOptions { BufferPerShard = 10 }, role: "keeper");
        var asks = Enumerable.Range(0, 15).Select(_ => front.AskAsync("alice", new Deposit(1), timeout: TimeSpan.FromSeconds(60))).ToList();
        await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
        asks.Count(ask => ask.IsFaulted).ShouldBe(5);
        foreach (var refused in asks.Where(ask => ask.IsFaulted))
        {
            (await EntityTests.ThrowsAsync<EntityUnavailableException>(() => refused)).Message.ShouldContain("10 commands wait");
        }

        await world.StartAsync("keeper", new ClusterOptions { Roles = ["keeper"] }, role: "keeper");
        foreach (var ask in asks.Where(ask => !ask.IsFaulted))
        {
            await ask;
        }

        (await front.AskAsync("alice", new Balance())).Reply.Balance.ShouldBe(10);
    });

    [Fact]
    public void A_command_whose_time_is_over_while_its_shard_has_no_owner_took_no_effect() => Simulate(async world =>
    {
        var front = await world.StartAsync("front", role: "keeper");
        await EntityTests.ThrowsAsync<EntityUnavailableException>(() => front.AskAsync("alice", new Deposit(1), timeout: TimeSpan.FromSeconds(2)));
    });

    [Fact]
    public void An_entity_with_open_work_comes_back_by_itself_however_long_the_store_fails_to_open_its_shard()
    {
        var recovered = new List<(string Account, SynchronizationContext? On)>();
        var world = new ClusterWorld
        {
            Behavior = id => new ScriptedBehavior
            {
                Recovered = behavior =>
                {
                    if (behavior.World.State.Balance > 1_000_000)
                    {
                        recovered.Add((id.Value, SynchronizationContext.Current));
                    }

                    return Task.CompletedTask;
                },
            },
        };
        world.Runtime.RunToEnd(async () =>
        {
            var nodes = await world.StartAsync(2);
            var account = await world.AccountOnAsync(nodes[1]);
            await nodes[0].AskAsync(account, new Deposit(2_000_000));
            var claims = 0;
            world.Kill(nodes[1]);

            // The node's claims get through, and then it cannot read what is to be started.
            world.Store.Faults.Other = () => SynchronizationContext.Current is SimulatedNode && claims++ % 5 > 1 && world.Runtime.Random.Next(10) > 0;
            await Task.Delay(TimeSpan.FromSeconds(4), world.Runtime.Time);
            world.Store.Faults.Other = null;
            await world.UntilAsync("it is back", () => Task.FromResult(recovered.Count > 0));
            recovered.ShouldAllBe(entry => entry.Account == account);
        });
    }

    [Fact]
    public void Every_node_hears_of_every_commit() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(3);
        var heard = new HashSet<int>();
        using var subscription = nodes[2].Entities.Commits.Subscribe(shard => heard.Add(shard));
        for (var n = 0; n < 60; n++)
        {
            await nodes[0].AskAsync($"account-{n}", new Deposit(1));
        }

        await Task.Delay(TimeSpan.FromMilliseconds(100), world.Runtime.Time);
        heard.Count.ShouldBe(12);
    });

    [Fact]
    public void A_shard_that_is_given_to_two_nodes_at_once_has_one_owner() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(3);
        var shards = await world.Store.ListShardsAsync();
        for (var n = 0; n < 12; n++)
        {
            // Two that propose at once, and one that proposes what has long happened.
            nodes[n % 3].Entities.MoveShard(Account.Type, n, nodes[(n + 1) % 3].Entities.Node);
            nodes[(n + 1) % 3].Entities.MoveShard(Account.Type, n, nodes[(n + 2) % 3].Entities.Node);
            await nodes[n % 3].AskAsync($"account-{n}", new Deposit(1));
        }

        await world.BalancedAsync();
        await Task.Delay(TimeSpan.FromSeconds(3), world.Runtime.Time);
        for (var n = 0; n < 12; n++)
        {
            nodes.Count(node => node.Entities.Describe()[n].Open).ShouldBe(1);
            nodes.Select(node => node.Entities.Describe()[n].Owner).Distinct().Count().ShouldBe(1);
        }

        (await world.Store.ListShardsAsync()).Sum(shard => shard.Epoch).ShouldBeGreaterThan(shards.Sum(shard => shard.Epoch));
    });

    /// <summary>Clients that ask all the time; none may fail, and none wait for longer than so.</summary>
    private static async Task UnderLoadAsync(ClusterWorld world, IReadOnlyList<ClusterAccountNode> nodes, TimeSpan longest, Func<Task> test)
    {
        world.Store.Faults.Delay = () => TimeSpan.FromMilliseconds(world.Runtime.Random.Next(3));
        var over = false;
        var worst = TimeSpan.Zero;
        var clients = Enumerable.Range(0, 10).Select(async client =>
        {
            var n = 0;
            for (; !over; n++)
            {
                var start = world.Runtime.Time.GetTimestamp();
                (await nodes[n % nodes.Count].AskAsync($"account-{client}", new Deposit(1), $"c{client}-{n}")).Seq.ShouldBe(n + 1);
                worst = new[] { worst, world.Runtime.Time.GetElapsedTime(start) }.Max();
                await Task.Delay(TimeSpan.FromMilliseconds(world.Runtime.Random.Next(10)), world.Runtime.Time);
            }

            return n;
        }).ToArray();
        await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
        await test();
        over = true;
        foreach (var client in clients)
        {
            (await client).ShouldBeGreaterThan(50);
        }

        worst.ShouldBeLessThan(longest);
    }
}
