using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Tests.Entities;
using static RagCluster.Kernel.Tests.Cluster.ClusterWorld;

namespace RagCluster.Kernel.Tests.Cluster;

public sealed class ClusterTests
{
    [Fact]
    public void Nodes_share_the_shards_and_each_finds_every_entity() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(3);
        for (var n = 0; n < 30; n++)
        {
            (await nodes[n % 3].AskAsync($"account-{n}", new Deposit(n + 1), $"c{n}")).ShouldBe(EntityTests.Reply(n + 1, 1));
            (await nodes[(n + 1) % 3].AskAsync($"account-{n}", new Balance())).ShouldBe(EntityTests.Reply(n + 1, 1));
            (await nodes[(n + 2) % 3].AskAsync($"account-{n}", new Deposit(1), $"c{n}")).ShouldBe(EntityTests.Reply(n + 1, 1), "the same id from another node takes no second effect");
        }

        nodes.Select(node => node.Entities.Describe().Count(shard => shard.Open)).ShouldAllBe(open => open == 4);
        nodes.ShouldAllBe(node => node.Entities.Describe().All(shard => shard.Owner != null));
        var status = nodes[1].Entities.DescribeCluster()!;
        status.Oldest.ShouldBe(nodes[0].Entities.Node);
        status.Members.Select(member => (member.Node.Node, member.State, member.Shards)).ShouldBe([("node-0", NodeState.Up, 4), ("node-1", NodeState.Up, 4), ("node-2", NodeState.Up, 4)]);
    });

    [Fact]
    public void A_killed_node_s_entities_answer_again_within_three_seconds() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(3);
        var account = await world.AccountOnAsync(nodes[2]);
        await nodes[0].AskAsync(account, new Deposit(5));
        world.Kill(nodes[2]);
        var start = world.Runtime.Time.GetTimestamp();
        (await nodes[0].AskAsync(account, new Deposit(5), "after")).ShouldBe(EntityTests.Reply(10, 2));
        world.Runtime.Time.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(3));
        await world.BalancedAsync();
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void A_node_that_slept_through_its_lease_answers_nothing_any_more(int seed) => Simulate(
        async world =>
        {
            var nodes = await world.StartAsync(3);
            var account = await world.AccountOnAsync(nodes[2]);
            await nodes[0].AskAsync(account, new Deposit(5));
            var reading = nodes[2].TakeAsync(account, 0, 2);
            await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
            world.Pause(nodes[2]);
            (await nodes[0].AskAsync(account, new Deposit(5))).ShouldBe(EntityTests.Reply(10, 2));

            // They come to the sleeper, which believes that it has the account.
            var reads = Enumerable.Range(0, 50).Select(_ => nodes[2].AskAsync(account, new Balance())).ToList();
            world.Resume(nodes[2]);
            foreach (var read in reads)
            {
                try
                {
                    (await read).ShouldBe(EntityTests.Reply(10, 2), "what is read is what was true after it was asked");
                }
                catch (EntityUnavailableException)
                {
                    // So it should be: this node can no longer know.
                    continue;
                }
            }

            (await nodes[2].Entities.Lost).ShouldContain("node-2#1");
            await EntityTests.ThrowsAsync<EntityUnavailableException>(() => nodes[2].AskAsync(account, new Deposit(1)));
            await EntityTests.ThrowsAsync<EntityUnavailableException>(() => reading);
            (await world.Store.RenewAsync(nodes[2].Entities.Node, TimeSpan.FromSeconds(1))).ShouldBeFalse("a dead incarnation never comes back");
        },
        seed);

    [Fact]
    public void A_node_that_leaves_gives_its_shards_to_others_and_no_request_fails() => Simulate(async world =>
    {
        world.Store.Faults.Delay = () => TimeSpan.FromMilliseconds(1);
        var nodes = await world.StartAsync(3);
        var longest = TimeSpan.Zero;
        var stop = false;
        var clients = Enumerable.Range(0, 10).Select(async client =>
        {
            for (var n = 0; !stop; n++)
            {
                var start = world.Runtime.Time.GetTimestamp();
                (await nodes[client % 2].AskAsync($"account-{client}", new Deposit(1), $"c{client}-{n}")).Seq.ShouldBe(n + 1);
                longest = new[] { longest, world.Runtime.Time.GetElapsedTime(start) }.Max();
            }

            return true;
        }).ToArray();
        await Task.Delay(TimeSpan.FromSeconds(2), world.Runtime.Time);
        await nodes[2].StopAsync();
        await world.StartAsync("node-2");
        await world.BalancedAsync();
        stop = true;
        foreach (var client in clients)
        {
            await client;
        }

        longest.ShouldBeLessThan(TimeSpan.FromMilliseconds(300));
    });
}
