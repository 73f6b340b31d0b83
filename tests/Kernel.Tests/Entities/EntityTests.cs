using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Entities;

using Behavior = EntityBehavior<AccountState, AccountCommand, AccountEvent, AccountReply>;

/// <summary>The life of an entity, each test in its own simulated world.</summary>
public sealed class EntityTests
{
    [Fact]
    public void A_reply_comes_after_the_commit() => Simulate(async world =>
    {
        var node = await world.StartAsync();
        (await node.AskAsync("alice", new Deposit(5))).ShouldBe(Reply(5, 1));
        (await node.LogAsync("alice")).Count.ShouldBe(1);
        (await node.AskAsync("alice", new Withdraw(2))).ShouldBe(Reply(3, 2));
        (await node.AskAsync("alice", new Withdraw(9))).ShouldBe(new(new AccountReply(false, 3), 2), "nothing changed, nothing journaled");
        (await node.AskAsync("alice", new Balance())).ShouldBe(Reply(3, 2));
        (await node.LogAsync("alice")).Count.ShouldBe(2);
    });

    [Fact]
    public void A_repeated_command_gets_the_first_reply_also_after_a_restart_and_from_a_snapshot() => Simulate(async world =>
    {
        var options = new EntityOptions { Shards = 4, SnapshotEvery = 3, RememberedCommands = 4 };
        var node = await world.StartAsync(options);
        for (var n = 1; n <= 8; n++)
        {
            await node.AskAsync("alice", new Deposit(10), $"c{n}");
        }

        (await node.AskAsync("alice", new Deposit(10), "c8")).ShouldBe(Reply(80, 8));
        (await node.AskAsync("alice", new Deposit(10), "c5")).ShouldBe(Reply(50, 5));

        var second = await world.StartAsync(options);
        (await second.AskAsync("alice", new Deposit(10), "c6")).ShouldBe(Reply(60, 6));
        (await second.AskAsync("alice", new Deposit(10), "c8")).ShouldBe(Reply(80, 8));
        (await second.AskAsync("alice", new Deposit(10), "c1")).ShouldBe(Reply(90, 9), "only so many are remembered");
    });

    [Fact]
    public void The_same_command_twice_at_once_takes_effect_once() => Simulate(async world =>
    {
        var node = await world.StartAsync();
        var replies = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => node.AskAsync("alice", new Deposit(7), "once")));
        replies.ShouldAllBe(reply => reply == Reply(7, 1));
        (await node.LogAsync("alice")).Count.ShouldBe(1);
    });

    [Fact]
    public void Commands_of_one_entity_share_commits_and_keep_their_order() => Simulate(async world =>
    {
        var node = await world.StartAsync();
        var appends = 0;
        world.Store.Faults.Append = () =>
        {
            appends++;
            return AppendFault.None;
        };
        world.Store.Faults.Delay = () => TimeSpan.FromMilliseconds(10);
        var replies = await Task.WhenAll(Enumerable.Range(1, 300).Select(_ => node.AskAsync("alice", new Deposit(1))));
        replies.Select(reply => reply.Seq).Order().ShouldBe(Enumerable.Range(1, 300).Select(n => (long)n));
        replies.ShouldAllBe(reply => reply.Reply.Balance == reply.Seq);
        appends.ShouldBeLessThan(20);
    });

    [Fact]
    public void A_decision_that_throws_fails_its_command_only() => Simulate(async world =>
    {
        var node = await world.StartAsync();
        await node.AskAsync("alice", new Deposit(1));
        (await ThrowsAsync<CommandFailedException>(() => node.AskAsync("alice", new Break("decide")))).Message.ShouldContain("broken in Decide");
        await ThrowsAsync<CommandFailedException>(() => node.AskAsync("alice", new Break("evolve")));
        (await node.AskAsync("alice", new Deposit(1))).ShouldBe(Reply(2, 2));
        (await node.LogAsync("alice")).Count.ShouldBe(2, "an event that cannot be evolved never reaches the log");
    });

    [Fact]
    public void A_failure_after_the_commit_recovers_the_entity_and_the_retry_finds_its_effect() => Simulate(async world =>
    {
        var behaviors = new List<ScriptedBehavior>();
        var node = await world.StartAsync(behavior: _ => Added(behaviors, new ScriptedBehavior
        {
            Committed = (b, _) => behaviors.Count == 1 ? throw new InvalidOperationException("effect failed") : Task.CompletedTask,
        }));

        await ThrowsAsync<EntityFailedException>(() => node.AskAsync("alice", new Deposit(3), "c1"));
        (await node.AskAsync("alice", new Deposit(3), "c1")).ShouldBe(Reply(3, 1));
        behaviors.Count.ShouldBe(2);
        behaviors[0].Stopped.ShouldBe(StopReason.Failed);
    });

    [Fact]
    public void A_store_error_fails_the_command_without_effect_and_the_entity_goes_on() => Simulate(async world =>
    {
        var node = await world.StartAsync();
        await node.AskAsync("alice", new Deposit(1));
        world.Store.Faults.Append = () => AppendFault.Fail;
        (await ThrowsAsync<EntityUnavailableException>(() => node.AskAsync("alice", new Deposit(1)))).InnerException.ShouldBeOfType<StoreException>();
        world.Store.Faults.Append = null;
        (await node.AskAsync("alice", new Deposit(1))).ShouldBe(Reply(2, 2));
    });

    [Theory]
    [InlineData(AppendFault.UnknownCommitted)]
    [InlineData(AppendFault.UnknownLost)]
    [InlineData(AppendFault.UnknownLate)]
    public void An_unknown_outcome_is_found_out(AppendFault fault) => Simulate(async world =>
    {
        var node = await world.StartAsync();
        world.Store.Faults.Append = Once(fault);
        (await node.AskAsync("alice", new Deposit(4))).ShouldBe(Reply(4, 1));
        (await node.AskAsync("alice", new Deposit(4))).ShouldBe(Reply(8, 2));
        (await node.LogAsync("alice")).Select(record => record.Seq).ShouldBe([1, 2]);
        node.Entities.Describe().Max(shard => shard.Epoch).ShouldBe(2, "the owner fenced its own lost statement");
    });

    [Fact]
    public void While_an_outcome_is_unknown_further_commands_hear_so_and_later_all_is_well() => Simulate(async world =>
    {
        var node = await world.StartAsync();
        await node.AskAsync("alice", new Deposit(1));
        world.Store.Faults.Append = Once(AppendFault.UnknownLost);
        world.Store.Faults.Other = () => true;
        var first = node.AskAsync("alice", new Deposit(1));
        await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
        first.IsCompleted.ShouldBeFalse();
        var bob = Enumerable.Range(0, 100).Select(n => $"bob-{n}").First(id => StableHash.Bucket(id, 4) == StableHash.Bucket("alice", 4));
        await ThrowsAsync<EntityUnavailableException>(() => node.AskAsync(bob, new Deposit(1), timeout: TimeSpan.FromSeconds(2)));

        world.Store.Faults.Other = null;
        (await first).ShouldBe(Reply(2, 2));
        (await node.AskAsync(bob, new Deposit(1))).ShouldBe(Reply(1, 1));
    });

    [Theory]
    [InlineData(AppendFault.UnknownCommitted, true)]
    [InlineData(AppendFault.UnknownLate, true)]
    [InlineData(AppendFault.UnknownLost, false)]
    public void An_unknown_outcome_is_told_truly_even_when_the_shard_has_a_new_owner_by_then(AppendFault fault, bool landed) => Simulate(async world =>
    {
        var node = await world.StartAsync();
        await node.AskAsync("alice", new Deposit(1));
        world.Store.Faults.Append = Once(fault);
        world.Store.Faults.Other = () => true;
        var ask = node.AskAsync("alice", new Deposit(4));
        await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);

        world.Store.Faults.Other = null;
        var next = await world.Store.JoinAsync("next");
        var shard = (await world.Store.PrepareShardsAsync(Account.Type, 4))[StableHash.Bucket("alice", 4)];
        (await world.Store.ClaimAsync(shard.ShardId, shard.Epoch, next)).ShouldNotBeNull();

        if (landed)
        {
            (await ask).ShouldBe(Reply(5, 2));
        }
        else
        {
            await ThrowsAsync<EntityUnavailableException>(() => ask);
        }

        (await node.LogAsync("alice")).Count.ShouldBe(landed ? 2 : 1);
        await ThrowsAsync<EntityUnavailableException>(() => node.AskAsync("alice", new Deposit(4)));
    });

    [Fact]
    public void A_fenced_shard_stops_and_says_so() => Simulate(async world =>
    {
        var node = await world.StartAsync();
        await node.AskAsync("alice", new Deposit(1));
        world.Store.Faults.Append = Once(AppendFault.Fenced);
        await ThrowsAsync<EntityUnavailableException>(() => node.AskAsync("alice", new Deposit(1)));
        await ThrowsAsync<EntityUnavailableException>(() => node.AskAsync("alice", new Deposit(1)));
        (await node.LogAsync("alice")).Count.ShouldBe(1);
    });

    [Fact]
    public void An_old_owner_cannot_write_once_there_is_a_new_one() => Simulate(async world =>
    {
        var old = await world.StartAsync();
        await old.AskAsync("alice", new Deposit(1));
        var young = await world.StartAsync();
        (await young.AskAsync("alice", new Deposit(1))).ShouldBe(Reply(2, 2));
        await ThrowsAsync<EntityUnavailableException>(() => old.AskAsync("alice", new Deposit(1)));
        (await young.AskAsync("alice", new Deposit(1))).ShouldBe(Reply(3, 3));
        (await young.LogAsync("alice")).Select(record => record.Epoch).ShouldBe([1, 2, 2]);
    });

    [Fact]
    public void A_poisoned_entity_conflicts_alone() => Simulate(async world =>
    {
        var node = await world.StartAsync(new EntityOptions { Shards = 1 });
        await node.AskAsync("alice", new Deposit(1));
        await node.AskAsync("bob", new Deposit(1));

        // Somebody writes behind the owner's back, under its epoch.
        var shard = (await world.Store.PrepareShardsAsync(Account.Type, 1))[0];
        await world.Store.AppendAsync([new ShardBatch(shard.ShardId, shard.Epoch, 3, [new NewEvent("alice", 2, null, default, "{\"type\":\"deposited\",\"amount\":50}"u8.ToArray(), default)], [])]);

        var alice = node.AskAsync("alice", new Deposit(1));
        var bob = node.AskAsync("bob", new Deposit(1));
        (await bob).ShouldBe(Reply(2, 2));
        await ThrowsAsync<EntityUnavailableException>(() => alice);
        (await node.AskAsync("alice", new Deposit(1))).ShouldBe(Reply(52, 3), "it has learnt its log anew");
    });

    [Fact]
    public void A_command_that_nobody_waits_for_any_more_takes_no_effect() => Simulate(async world =>
    {
        var node = await world.StartAsync();
        world.Store.Faults.Other = () => true;
        await ThrowsAsync<EntityUnavailableException>(() => node.AskAsync("alice", new Deposit(1), timeout: TimeSpan.FromSeconds(1)));
        world.Store.Faults.Other = null;
        (await node.AskAsync("alice", new Deposit(5))).ShouldBe(Reply(5, 1));
    });

    [Fact]
    public void An_undecided_commit_times_out_as_unknown() => Simulate(async world =>
    {
        var node = await world.StartAsync();
        await node.AskAsync("alice", new Deposit(1));
        world.Store.Faults.Delay = () => TimeSpan.FromSeconds(10);
        await ThrowsAsync<TimeoutException>(() => node.AskAsync("alice", new Deposit(5), timeout: TimeSpan.FromSeconds(1)));
    });

    [Fact]
    public void Names_of_entities_are_checked() => Simulate(async world =>
    {
        var node = await world.StartAsync();
        await ThrowsAsync<ArgumentException>(() => node.AskAsync("", new Deposit(1)));
        await ThrowsAsync<ArgumentException>(() => node.AskAsync(new string('x', 513), new Deposit(1)));
        (await node.AskAsync("a/b%2F ä\ud83d\ude00", new Deposit(1))).ShouldBe(Reply(1, 1));
    });

    [Fact]
    public void A_stopping_node_finishes_what_it_has_and_gives_its_shards_up() => Simulate(async world =>
    {
        var behaviors = new List<ScriptedBehavior>();
        var node = await world.StartAsync(behavior: _ => Added(behaviors, new ScriptedBehavior()));
        await node.AskAsync("alice", new Deposit(1));
        world.Store.Faults.Delay = () => TimeSpan.FromMilliseconds(100);
        var last = Enumerable.Range(0, 20).Select(n => node.AskAsync($"account-{n}", new Deposit(1))).ToArray();
        await Task.Delay(TimeSpan.FromMilliseconds(30), world.Runtime.Time);
        await node.StopAsync();

        (await Task.WhenAll(last)).ShouldAllBe(reply => reply == Reply(1, 1));
        await ThrowsAsync<EntityUnavailableException>(() => node.AskAsync("alice", new Deposit(1)));
        behaviors.ShouldAllBe(behavior => behavior.Stopped == StopReason.HandedOff);
        (await world.Store.PrepareShardsAsync(Account.Type, 4)).ShouldAllBe(shard => shard.Owner == null && shard.Epoch == 2);
        (await world.Store.ListNodesAsync()).Single().State.ShouldBe(NodeState.Left);
    });

    internal static Committed<AccountReply> Reply(long balance, long seq) => new(new AccountReply(true, balance), seq);

    internal static T Added<T>(List<T> list, T item)
    {
        list.Add(item);
        return item;
    }

    internal static Func<AppendFault> Once(AppendFault fault)
    {
        var done = false;
        return () =>
        {
            var now = done ? AppendFault.None : fault;
            done = true;
            return now;
        };
    }

    /// <summary>As Should.ThrowAsync, which would leave the simulation for the thread pool.</summary>
    internal static async Task<TException> ThrowsAsync<TException>(Func<Task> action)
        where TException : Exception
    {
        try
        {
            await action();
        }
        catch (TException e)
        {
            return e;
        }

        throw new ShouldAssertException($"It should have thrown {typeof(TException).Name}.");
    }

    internal static void Simulate(Func<World, Task> test, int seed = 42)
    {
        var runtime = new SimulatedRuntime(seed);
        runtime.RunToEnd(() => test(new World(runtime, new InMemoryShardStore(runtime.Time))));
    }

    internal sealed record World(SimulatedRuntime Runtime, InMemoryShardStore Store)
    {
        public Task<AccountNode> StartAsync(EntityOptions? options = null, Func<EntityId, Behavior>? behavior = null, bool snapshots = true) =>
            AccountNode.StartAsync(
                Runtime, Store, options, behavior, new ShardedEntitiesOptions { MaxRestartBackoff = TimeSpan.FromMilliseconds(400) }, snapshots);
    }
}
