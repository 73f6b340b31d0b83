using RagCluster.Kernel.Entities;
using static RagCluster.Kernel.Tests.Entities.EntityTests;

namespace RagCluster.Kernel.Tests.Entities;

/// <summary>Leaving memory, coming back, and what runs beside the turns.</summary>
public sealed class EntityWorkTests
{
    private static readonly EntityOptions Options = new() { Shards = 4, PassivateAfter = TimeSpan.FromSeconds(10) };

    [Fact]
    public void An_idle_entity_leaves_memory_and_comes_back() => Simulate(async world =>
    {
        var behaviors = new List<ScriptedBehavior>();
        var node = await world.StartAsync(Options, _ => Added(behaviors, new ScriptedBehavior()));
        await node.AskAsync("alice", new Deposit(1));
        await Task.Delay(TimeSpan.FromSeconds(30), world.Runtime.Time);
        behaviors.Single().Stopped.ShouldBe(StopReason.Passivated);
        node.Entities.Describe().Sum(shard => shard.LiveEntities).ShouldBe(0);

        (await node.AskAsync("alice", new Deposit(1))).ShouldBe(Reply(2, 2));
        behaviors.Count.ShouldBe(2);
    });

    [Fact]
    public void Only_so_many_entities_are_in_memory_and_the_longest_idle_leave_first() => Simulate(async world =>
    {
        var node = await world.StartAsync(new EntityOptions { Shards = 2, MaxLive = 20, PassivateAfter = TimeSpan.FromHours(1) });
        for (var round = 1; round <= 3; round++)
        {
            for (var n = 0; n < 100; n++)
            {
                // This one is used all the time, so it is never among the longest idle.
                await node.AskAsync("busy", new Deposit(1));
                (await node.AskAsync($"account-{n}", new Deposit(1))).ShouldBe(Reply(round, round));
                node.Entities.Describe().Sum(shard => shard.LiveEntities).ShouldBeLessThanOrEqualTo(24);
            }
        }

        (await node.AskAsync("busy", new Balance())).ShouldBe(Reply(300, 300));
        node.Entities.Describe().Sum(shard => shard.LiveEntities).ShouldBeGreaterThan(10, "what fits stays");
    });

    [Fact]
    public void No_message_is_lost_to_passivation_at_any_moment() => Simulate(async world =>
    {
        var starts = 0;
        var node = await world.StartAsync(new EntityOptions { Shards = 2, PassivateAfter = TimeSpan.FromMilliseconds(10) }, _ =>
        {
            starts++;
            return new AccountBehavior();
        });
        await Task.WhenAll(Enumerable.Range(0, 5).Select(async n =>
        {
            for (var i = 1; i <= 100; i++)
            {
                // Around the moment at which the entity becomes idle.
                await Task.Delay(TimeSpan.FromMicroseconds(5000 + world.Runtime.Random.Next(25_000)), world.Runtime.Time);
                (await node.AskAsync($"account-{n}", new Deposit(1), timeout: TimeSpan.FromSeconds(1))).Seq.ShouldBe(i);
            }
        }));
        starts.ShouldBeInRange(50, 490, "it must have been passivated often, and not always");
    });

    [Fact]
    public void An_entity_with_work_or_subscribers_or_open_work_stays() => Simulate(async world =>
    {
        var behaviors = new Dictionary<string, ScriptedBehavior>();
        var release = new TaskCompletionSource();
        var node = await world.StartAsync(Options, id => behaviors[id.Value] = new ScriptedBehavior
        {
            Committed = (b, _) =>
            {
                if (id.Value == "working")
                {
                    b.World.Run("wait", token => release.Task.WaitAsync(token));
                }

                return Task.CompletedTask;
            },
        });
        await node.AskAsync("working", new Deposit(1));
        await node.AskAsync("watched", new Deposit(1));
        await node.AskAsync("open", new Deposit(2_000_000));
        var watching = node.TakeAsync("watched", 0, 2);
        await Task.Delay(TimeSpan.FromMinutes(5), world.Runtime.Time);
        behaviors.Values.ShouldAllBe(behavior => behavior.Stopped == null);

        release.SetResult();
        await node.AskAsync("watched", new Deposit(1));
        (await watching).Count.ShouldBe(2);
        await Task.Delay(TimeSpan.FromMinutes(5), world.Runtime.Time);
        behaviors["working"].Stopped.ShouldBe(StopReason.Passivated);
        behaviors["watched"].Stopped.ShouldBe(StopReason.Passivated);
        behaviors["open"].Stopped.ShouldBeNull();
    });

    [Fact]
    public void Entities_with_open_work_are_started_by_themselves_until_it_is_done() => Simulate(async world =>
    {
        var first = await world.StartAsync();
        await first.AskAsync("rich", new Deposit(2_000_000));
        await first.AskAsync("poor", new Deposit(1));
        await first.AskAsync("was-rich", new Deposit(2_000_000));
        await first.AskAsync("was-rich", new Withdraw(2_000_000));

        var started = new List<string>();
        var second = await world.StartAsync(behavior: id => new ScriptedBehavior
        {
            Recovered = b =>
            {
                started.Add(id.Value);
                b.World.ExecuteLater(new Withdraw(1_500_000), TimeSpan.FromSeconds(3));
                return Task.CompletedTask;
            },
        });
        await Task.Delay(TimeSpan.FromSeconds(10), world.Runtime.Time);
        started.ShouldBe(["rich"]);
        (await second.AskAsync("rich", new Balance())).ShouldBe(Reply(500_000, 2));

        var third = await world.StartAsync();
        await Task.Delay(TimeSpan.FromSeconds(10), world.Runtime.Time);
        third.Entities.Describe().Sum(shard => shard.LiveEntities).ShouldBe(0);
    });

    [Fact]
    public void Remembered_entities_start_though_the_store_fails_for_a_while() => Simulate(async world =>
    {
        var first = await world.StartAsync();
        for (var n = 0; n < 50; n++)
        {
            await first.AskAsync($"rich-{n}", new Deposit(2_000_000));
        }

        var started = new HashSet<string>();
        world.Store.Faults.Other = () => world.Runtime.Random.NextDouble() < 0.3;
        AccountNode? second = null;
        for (var attempt = 0; second is null && attempt < 50; attempt++)
        {
            try
            {
                second = await world.StartAsync(behavior: id => new ScriptedBehavior { Recovered = _ => Task.FromResult(started.Add(id.Value)) });
            }
            catch (Kernel.Journal.StoreException)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
            }
        }

        await Task.Delay(TimeSpan.FromMinutes(5), world.Runtime.Time);
        started.Count.ShouldBe(50);
    });

    [Fact]
    public void Recovering_entities_may_ask_each_other_though_permits_are_few() => Simulate(async world =>
    {
        var node = await AccountNode.StartAsync(world.Runtime, world.Store);
        for (var n = 0; n < 10; n++)
        {
            await node.AskAsync($"account-{n}", new Deposit(2_000_000));
        }

        AccountNode? second = null;
        var answered = 0;
        second = await AccountNode.StartAsync(
            world.Runtime,
            world.Store,
            behavior: id => new ScriptedBehavior
            {
                Recovered = async _ =>
                {
                    if (id.Value.StartsWith("account", StringComparison.Ordinal))
                    {
                        await Task.Delay(TimeSpan.FromMilliseconds(10), world.Runtime.Time);
                        await second!.AskAsync("other-" + id.Value, new Balance());
                        answered++;
                    }
                },
            },
            node: new ShardedEntitiesOptions { RecoveryPermits = 2 });
        await Task.Delay(TimeSpan.FromSeconds(5), world.Runtime.Time);
        answered.ShouldBe(10);
    });

    [Fact]
    public void Background_work_executes_commands_and_is_cancelled_at_the_stop() => Simulate(async world =>
    {
        var cancelled = false;
        var node = await world.StartAsync(behavior: _ => new ScriptedBehavior
        {
            Committed = (b, events) =>
            {
                if (events[0].Event is Deposited { Amount: 100 })
                {
                    b.World.Run("fees", async token =>
                    {
                        (await b.World.ExecuteAsync(new Withdraw(1), token)).ShouldBe(Reply(99, 2));
                        try
                        {
                            await Task.Delay(Timeout.InfiniteTimeSpan, b.World.Time, token);
                        }
                        finally
                        {
                            cancelled = token.IsCancellationRequested;
                        }
                    });
                }

                return Task.CompletedTask;
            },
        });
        await node.AskAsync("alice", new Deposit(100));
        (await node.TakeAsync("alice", 0, 2)).Count.ShouldBe(2);
        await node.StopAsync();
        cancelled.ShouldBeTrue();
    });

    [Fact]
    public void The_result_of_work_is_taken_up_in_a_turn_of_the_instance_that_started_it() => Simulate(async world =>
    {
        var results = new List<(ScriptedBehavior Behavior, int Result)>();
        var release = new TaskCompletionSource<int>();
        var current = (ScriptedBehavior?)null;
        var node = await world.StartAsync(behavior: _ => current = new ScriptedBehavior
        {
            Committed = (b, events) =>
            {
                if (events[^1].Seq == 1)
                {
                    // Nobody waits here: other commands are handled meanwhile.
                    b.World.Run("slow", _ => release.Task, result => results.Add((b, result)));
                }
                else if (events[^1].Seq == 3)
                {
                    b.World.Run("failing", _ => Task.FromResult(5), new Action<int>(_ => throw new InvalidOperationException("its turn fails")));
                }

                return Task.CompletedTask;
            },
        });
        await node.AskAsync("alice", new Deposit(1));
        await node.AskAsync("alice", new Deposit(1));
        results.ShouldBeEmpty();
        release.SetResult(7);
        await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
        results.ShouldBe([(current!, 7)]);

        // A continuation that throws is the entity's failure: it is recovered, and goes on.
        var before = current;
        await node.AskAsync("alice", new Deposit(1));
        await Task.Delay(TimeSpan.FromSeconds(5), world.Runtime.Time);
        (await node.AskAsync("alice", new Deposit(1))).ShouldBe(Reply(4, 4));
        current.ShouldNotBe(before);
    });

    [Fact]
    public void Work_that_fails_is_taken_up_by_recovery() => Simulate(async world =>
    {
        var attempts = 0;
        var done = new TaskCompletionSource();
        var node = await world.StartAsync(behavior: _ => new ScriptedBehavior
        {
            Recovered = b =>
            {
                if (b.World.Seq > 0)
                {
                    b.World.Run("risky", Risky);
                }

                return Task.CompletedTask;
            },
            Committed = (b, _) =>
            {
                b.World.Run("risky", Risky);
                return Task.CompletedTask;
            },
        });

        async Task Risky(CancellationToken token)
        {
            await Task.Yield();
            if (++attempts < 4)
            {
                throw new InvalidOperationException("not yet");
            }

            done.TrySetResult();
        }

        await node.AskAsync("alice", new Deposit(1));
        await done.Task;
        attempts.ShouldBe(4);
        (await node.AskAsync("alice", new Balance())).ShouldBe(Reply(1, 1));
    });

    [Fact]
    public void A_snapshot_and_the_tail_give_what_the_whole_log_gives() => Simulate(async world =>
    {
        var options = new EntityOptions { Shards = 1, SnapshotEvery = 10 };
        var node = await world.StartAsync(options, _ => new ScriptedBehavior { Save = () => new byte[] { 9 }, Restore = a => a.Span[0] == 9 });
        for (var n = 1; n <= 57; n++)
        {
            await node.AskAsync("alice", new Deposit(n));
        }

        var whole = await node.AskAsync("alice", new Balance());

        ScriptedBehavior? resumed = null;
        var second = await world.StartAsync(options, _ => resumed = new ScriptedBehavior { Restore = a => a.Span.SequenceEqual([(byte)9]) });
        (await second.AskAsync("alice", new Balance())).ShouldBe(whole);
        resumed.ShouldNotBeNull().Replayed.ShouldBeInRange(1, 10);

        // A snapshot whose attachment is refused is thrown away, and the log has everything.
        var refusing = new List<ScriptedBehavior>();
        var third = await world.StartAsync(options, _ => Added(refusing, new ScriptedBehavior { Restore = _ => false }));
        (await third.AskAsync("alice", new Balance())).ShouldBe(whole);
        refusing.Last().Replayed.ShouldBe(57);
        (await world.Store.LoadSnapshotAsync(1, "alice")).ShouldBeNull();
    });

    [Fact]
    public void Commands_go_on_while_a_snapshot_is_made_and_it_is_of_the_state_in_which_it_was_begun() => Simulate(async world =>
    {
        var release = new TaskCompletionSource<ReadOnlyMemory<byte>>(TaskCreationOptions.RunContinuationsAsynchronously);
        var saved = new List<long>();
        var options = new EntityOptions { Shards = 1, SnapshotEvery = 2 };
        var node = await world.StartAsync(options, _ => new ScriptedBehavior
        {
            SaveSlowly = _ => release.Task,
            Saved = async attachment => saved.Add((await world.Store.LoadSnapshotAsync(1, "alice")).ShouldNotBeNull().Seq + attachment.Length),
        });
        for (var n = 1; n <= 5; n++)
        {
            (await node.AskAsync("alice", new Deposit(1))).ShouldBe(Reply(n, n), "nobody waits for the snapshot");
        }

        saved.ShouldBeEmpty();
        release.SetResult(new byte[] { 9, 9 });
        await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
        saved.ShouldBe([4], "told once, when the snapshot of event 2 with its two bytes was durable");
        (await world.Store.LoadSnapshotAsync(1, "alice"))!.Seq.ShouldBe(2);
    });

    [Fact]
    public void A_store_that_does_not_answer_costs_no_snapshot() => Simulate(async world =>
    {
        var options = new EntityOptions { Shards = 1, SnapshotEvery = 2 };
        var node = await world.StartAsync(options, _ => new ScriptedBehavior { Save = () => new byte[] { 9 }, Restore = _ => true });
        await node.AskAsync("alice", new Deposit(1));
        await node.AskAsync("alice", new Deposit(1));
        await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);

        var down = 3;
        var second = await world.StartAsync(options, _ => new ScriptedBehavior
        {
            Restore = _ => --down < 0 ? true : throw new Kernel.Journal.StoreException(Kernel.Journal.StoreFailure.Busy, "not now"),
        });
        (await second.AskAsync("alice", new Balance())).ShouldBe(Reply(2, 2));
        down.ShouldBe(-1, "it is tried again until the store answers");
        (await world.Store.LoadSnapshotAsync(1, "alice")).ShouldNotBeNull("the snapshot was not to blame");
    });

    [Fact]
    public void A_snapshot_that_cannot_be_made_or_read_costs_nothing() => Simulate(async world =>
    {
        var options = new EntityOptions { Shards = 1, SnapshotEvery = 2 };
        var node = await world.StartAsync(options, _ => new ScriptedBehavior { Save = () => throw new IOException("no room") });
        for (var n = 1; n <= 5; n++)
        {
            await node.AskAsync("alice", new Deposit(1));
        }

        (await node.AskAsync("alice", new Deposit(1))).ShouldBe(Reply(6, 6));
        var epoch = (await world.Store.FindShardAsync(1)).Epoch;
        await world.Store.SaveSnapshotAsync(1, epoch, new Kernel.Journal.Snapshot("alice", 3, "{\"balance\":"u8.ToArray(), "[]"u8.ToArray(), default, default));
        (await (await world.StartAsync(options)).AskAsync("alice", new Deposit(1))).ShouldBe(Reply(7, 7));
    });
}
