using RagCluster.Kernel.Entities;
using static RagCluster.Kernel.Tests.Entities.EntityTests;

namespace RagCluster.Kernel.Tests.Entities;

public sealed class SubscriptionTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(64)]
    public void Catches_up_from_journal_or_memory_and_goes_on_live(int recent) => Simulate(async world =>
    {
        var node = await world.StartAsync(new EntityOptions { Shards = 2, RecentEvents = recent });
        for (var n = 1; n <= 10; n++)
        {
            await node.AskAsync("alice", new Deposit(n));
        }

        for (var after = 0; after <= 10; after++)
        {
            var taking = node.TakeAsync("alice", after, 11);
            var expected = Enumerable.Range(after + 1, 11);
            for (var n = 0; n < after + 1; n++)
            {
                await node.AskAsync("alice", new Deposit(1));
            }

            (await taking).Select(recorded => (int)recorded.Seq).ShouldBe(expected);
        }
    });

    [Fact]
    public void A_place_beyond_history_is_refused() => Simulate(async world =>
    {
        var node = await world.StartAsync();
        await node.AskAsync("alice", new Deposit(1));
        await ThrowsAsync<ArgumentOutOfRangeException>(() => node.TakeAsync("alice", 2, 1));
        await ThrowsAsync<ArgumentOutOfRangeException>(() => node.TakeAsync("nobody", 1, 1));
        await ThrowsAsync<ArgumentOutOfRangeException>(() => node.TakeAsync("alice", -1, 1));
    });

    [Fact]
    public void Many_subscribers_see_everything_once_and_in_order_though_entities_fail_and_readers_are_slow()
    {
        for (var seed = 0; seed < 10; seed++)
        {
            Simulate(
                async world =>
                {
                    const int events = 120;
                    var options = new EntityOptions { Shards = 1, RecentEvents = 5, SubscriberBuffer = 3, PassivateAfter = TimeSpan.FromMilliseconds(50) };
                    var node = await world.StartAsync(options, _ => new ScriptedBehavior
                    {
                        Committed = (_, _) => world.Runtime.Random.Next(25) == 0 ? throw new InvalidOperationException("unlucky") : Task.CompletedTask,
                    });
                    var readers = Enumerable.Range(0, 6).Select(async reader =>
                    {
                        var seen = new List<long>();
                        await Task.Delay(TimeSpan.FromMilliseconds(world.Runtime.Random.Next(200)), world.Runtime.Time);
                        await foreach (var recorded in node.Region.SubscribeAsync(new EntityId("alice"), 0))
                        {
                            seen.Add(recorded.Seq);
                            if (reader % 2 == 0)
                            {
                                await Task.Delay(TimeSpan.FromMilliseconds(world.Runtime.Random.Next(20)), world.Runtime.Time);
                            }

                            if (seen.Count == events)
                            {
                                break;
                            }
                        }

                        seen.ShouldBe(Enumerable.Range(1, events).Select(n => (long)n));
                    }).ToArray();

                    for (var n = 1; n <= events; n++)
                    {
                        await RetryAsync(node, $"c{n}");
                        await Task.Delay(TimeSpan.FromMilliseconds(world.Runtime.Random.Next(5)), world.Runtime.Time);
                    }

                    await Task.WhenAll(readers);
                },
                seed);
        }
    }

    [Fact]
    public void A_subscription_ends_when_the_node_stops_and_when_it_is_cancelled() => Simulate(async world =>
    {
        var node = await world.StartAsync();
        using var cancelled = new CancellationTokenSource();
        var ended = ReadAsync(node, CancellationToken.None);
        var cancelling = ReadAsync(node, cancelled.Token);
        await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
#pragma warning disable CA1849 // The asynchronous one would go to the thread pool, out of the simulation.
        cancelled.Cancel();
#pragma warning restore CA1849
        await ThrowsAsync<OperationCanceledException>(() => cancelling);
        await node.StopAsync();
        await ThrowsAsync<EntityUnavailableException>(() => ended);
    });

    private static async Task ReadAsync(AccountNode node, CancellationToken cancellationToken)
    {
        await foreach (var recorded in node.Region.SubscribeAsync(new EntityId("alice"), 0, cancellationToken))
        {
            recorded.Seq.ShouldBeGreaterThan(0);
        }
    }

    private static async Task RetryAsync(AccountNode node, string commandId)
    {
        while (true)
        {
            try
            {
                await node.AskAsync("alice", new Deposit(1), commandId);
                return;
            }
            catch (EntityFailedException)
            {
                // As a client does: again, with the same id.
                continue;
            }
        }
    }
}
