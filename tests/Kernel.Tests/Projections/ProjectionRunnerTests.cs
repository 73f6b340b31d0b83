using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.Kernel.Projections;
using RagCluster.Kernel.Tests.Entities;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Projections;

public sealed class ProjectionRunnerTests
{
    [Fact]
    public void Each_event_reaches_the_view_once_and_in_order_though_applying_fails() => Simulate(seed: 1, async world =>
    {
        var view = new CountingView { FailEvery = 3 };
        await using var runner = await world.FollowAsync(view);
        for (var n = 0; n < 40; n++)
        {
            await world.Node.AskAsync($"account-{n % 7}", new Deposit(n));
        }

        await runner.CaughtUpAsync();
        view.Failures.ShouldBeGreaterThan(0, "the failures must have been met");
        view.Seen.ShouldBe(40);
        (await runner.DescribeAsync()).Sum(status => status.Lag).ShouldBe(0);
    });

    [Fact]
    public void A_restarted_runner_goes_on_after_the_stored_position() => Simulate(seed: 2, async world =>
    {
        var view = new CountingView();
        await using (var first = await world.FollowAsync(view))
        {
            await world.Node.AskAsync("a", new Deposit(1));
            await first.CaughtUpAsync();
        }

        await world.Node.AskAsync("a", new Deposit(1));
        view.Seen.ShouldBe(1);
        await using var second = await world.FollowAsync(view);
        await second.CaughtUpAsync();
        view.Seen.ShouldBe(2);
    });

    [Fact]
    public void A_missed_hint_only_costs_time() => Simulate(seed: 3, async world =>
    {
        var view = new CountingView();
        await using var runner = await world.FollowAsync(view, new CommitSignal());
        await runner.CaughtUpAsync();
        await world.Node.AskAsync("a", new Deposit(1));
        await Task.Delay(new ProjectionOptions().PollEvery * 2, world.Runtime.Time);
        view.Seen.ShouldBe(1);
    });

    [Fact]
    public void A_failure_is_visible_with_its_lag_and_does_not_hold_up_other_shards() => Simulate(seed: 4, async world =>
    {
        var broken = (await world.Store.PrepareShardsAsync(Account.Type, 4))[StableHash.Bucket("a", 4)].ShardId;
        var other = Enumerable.Range(0, 100).Select(n => $"other-{n}").First(id => StableHash.Bucket(id, 4) != StableHash.Bucket("a", 4));
        var view = new CountingView { BrokenShard = broken };
        await using var runner = await world.FollowAsync(view);
        await world.Node.AskAsync("a", new Deposit(1));
        await world.Node.AskAsync(other, new Deposit(1));
        await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);

        view.Seen.ShouldBe(1);
        var status = (await runner.DescribeAsync()).Single(s => s.ShardId == broken);
        status.Lag.ShouldBe(1);
        status.Failure.ShouldBe("told to fail");

        view.BrokenShard = null;
        await runner.CaughtUpAsync();
        view.Seen.ShouldBe(2);
        (await runner.DescribeAsync()).ShouldAllBe(s => s.Failure == null);
    });

    private static void Simulate(int seed, Func<World, Task> test)
    {
        var runtime = new SimulatedRuntime(seed);
        runtime.RunToEnd(async () =>
        {
            var store = new InMemoryShardStore(runtime.Time);
            await test(new World(runtime, store, await AccountNode.StartAsync(runtime, store)));
        });
    }

    private sealed record World(SimulatedRuntime Runtime, InMemoryShardStore Store, AccountNode Node)
    {
        public ValueTask<ProjectionRunner> FollowAsync(IProjection view, CommitSignal? signal = null) => ProjectionRunner.StartAsync(
            view, Store, Account.Type, 4, signal ?? Node.Entities.Commits, Runtime, NullLogger<ProjectionRunner>.Instance);
    }

    private sealed class CountingView : IProjection
    {
        private readonly Dictionary<int, long> _positions = [];
        private int _calls;

        public string Name => "counting";

        public int Seen { get; private set; }

        public int Failures { get; private set; }

        public int FailEvery { get; init; }

        public int? BrokenShard { get; set; }

        public ValueTask<long> PositionAsync(int shardId, CancellationToken cancellationToken) => ValueTask.FromResult(_positions.GetValueOrDefault(shardId));

        public async ValueTask ApplyAsync(int shardId, IReadOnlyList<JournalRecord> events, CancellationToken cancellationToken)
        {
            await Task.Yield();
            if (shardId == BrokenShard || (FailEvery > 0 && ++_calls % FailEvery == 0))
            {
                Failures++;
                throw new InvalidOperationException("told to fail");
            }

            events.Select(e => e.ShardSeq).ShouldBe(Enumerable.Range(0, events.Count).Select(n => _positions.GetValueOrDefault(shardId) + 1 + n));
            _positions[shardId] = events[^1].ShardSeq;
            Seen += events.Count;
        }
    }
}
