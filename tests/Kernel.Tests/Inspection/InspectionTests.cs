using System.Text;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Inspection;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.Kernel.Tests.Actors;
using RagCluster.Kernel.Tests.Entities;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Inspection;

/// <summary>Looking at entities and actors without touching them.</summary>
public sealed class InspectionTests
{
    [Fact]
    public void An_entity_is_shown_as_its_log_has_it_with_and_without_a_snapshot() => Run(async (runtime, store) =>
    {
        var node = await AccountNode.StartAsync(runtime, store, new EntityOptions { Shards = 4, SnapshotEvery = 5 });
        var inspector = node.Entities.Inspectors.ShouldHaveSingleItem();
        (await inspector.InspectAsync("alice", 10, default)).ShouldBeNull();
        for (var n = 1; n <= 12; n++)
        {
            await node.AskAsync("alice", new Deposit(n), $"c{n}");
        }

        var found = (await inspector.InspectAsync("alice", 10, default)).ShouldNotBeNull();
        found.Seq.ShouldBe(12);
        found.SnapshotSeq.ShouldBeInRange(5, 12);
        Encoding.UTF8.GetString(found.State!).ShouldBe("""{"balance":78,"changes":12}""");
        found.Events.Select(record => record.Seq).ShouldBe(Enumerable.Range(3, 10).Select(n => (long)n), "also those that the snapshot has");
        found.Events[^1].CommandId.ShouldBe("c12");
        (await inspector.InspectAsync("alice", 0, default))!.Events.ShouldBeEmpty();
        (await inspector.InspectAsync("alice", 1000, default))!.Events.Count.ShouldBe(12);
    });

    [Fact]
    public void An_idle_entity_leaves_memory_when_it_is_asked_to_and_one_with_work_does_not() => Run(async (runtime, store) =>
    {
        var node = await AccountNode.StartAsync(runtime, store);
        await node.AskAsync("idle", new Deposit(1));
        await node.AskAsync("busy", new Deposit(2_000_000));
        node.Entities.IsInMemory(Account.Type, "idle").ShouldBeTrue();
        node.Entities.Passivate(Account.Type, "idle").ShouldBeTrue();
        node.Entities.Passivate(Account.Type, "busy").ShouldBeTrue("it is asked");
        node.Entities.Passivate(Account.Type, "nobody").ShouldBeFalse();
        node.Entities.Passivate("no-type", "idle").ShouldBeFalse();
        await Task.Delay(TimeSpan.FromSeconds(1), runtime.Time);
        node.Entities.IsInMemory(Account.Type, "idle").ShouldBeFalse();
        node.Entities.IsInMemory(Account.Type, "busy").ShouldBeTrue();
    });

    [Fact]
    public void A_sound_shard_has_no_findings() => Run(async (runtime, store) =>
    {
        var node = await AccountNode.StartAsync(runtime, store, new EntityOptions { Shards = 1, SnapshotEvery = 3 });
        for (var n = 0; n < 20; n++)
        {
            await node.AskAsync($"account-{n % 3}", new Deposit(1), $"c{n}");
        }

        var again = await AccountNode.StartAsync(runtime, store, new EntityOptions { Shards = 1, SnapshotEvery = 3 });
        await again.AskAsync("account-0", new Deposit(1));
        var findings = await again.Entities.Inspectors[0].CheckAsync(0, default);
        findings.Findings.ShouldBeEmpty();
        (findings.Events, findings.Entities.Count, findings.Wrong).ShouldBe((21, 3, 0));
    });

    [Theory]
    [InlineData("""{"type":"deposited","amount":1}""", 2, 1, "follows 0")]
    [InlineData("""{"type":"deposited","amount":""", 1, 1, "cannot be read")]
    [InlineData("""{"type":"stolen","amount":1}""", 1, 1, "cannot be read")]
    [InlineData("null", 1, 1, "null event")]
    public void What_is_wrong_in_a_log_is_found(string payload, long seq, int wrong, string finding) => Run(async (runtime, store) =>
    {
        var node = await AccountNode.StartAsync(runtime, store, new EntityOptions { Shards = 1 });
        await node.AskAsync("alice", new Deposit(1));
        var shard = (await store.PrepareShardsAsync(Account.Type, 1))[0];

        // By another hand, under the owner's epoch: a store that was repaired, or written to by something else.
        var record = new NewEvent("bob", seq, null, default, Encoding.UTF8.GetBytes(payload), runtime.Time.GetUtcNow());
        (await store.AppendAsync([new ShardBatch(shard.ShardId, shard.Epoch, 2, [record], [])])).ShouldBe([AppendResult.Committed]);
        var findings = await node.Entities.Inspectors[0].CheckAsync(0, default);
        findings.Wrong.ShouldBe(wrong);
        findings.Findings.ShouldHaveSingleItem().ShouldContain(finding);
        findings.Entities.Count.ShouldBe(2);
    });

    [Fact]
    public void A_snapshot_that_is_ahead_of_its_log_or_unreadable_is_found() => Run(async (runtime, store) =>
    {
        var node = await AccountNode.StartAsync(runtime, store, new EntityOptions { Shards = 1 });
        await node.AskAsync("alice", new Deposit(1));
        await node.AskAsync("bob", new Deposit(1));
        var shard = (await store.PrepareShardsAsync(Account.Type, 1))[0];
        await store.SaveSnapshotAsync(shard.ShardId, shard.Epoch, new Snapshot("alice", 9, """{"balance":1,"changes":1}"""u8.ToArray(), "[]"u8.ToArray(), default, default));
        await store.SaveSnapshotAsync(shard.ShardId, shard.Epoch, new Snapshot("bob", 1, "{"u8.ToArray(), "[]"u8.ToArray(), default, default));
        var findings = await node.Entities.Inspectors[0].CheckAsync(0, default);
        findings.Findings.Count.ShouldBe(2);
        findings.Findings.ShouldContain(finding => finding.Contains("alice", StringComparison.Ordinal) && finding.Contains("of event 9", StringComparison.Ordinal));
        findings.Findings.ShouldContain(finding => finding.Contains("bob", StringComparison.Ordinal) && finding.Contains("cannot be read", StringComparison.Ordinal));
    });

    [Fact]
    public void Actors_are_timed_while_somebody_looks_and_not_before() => Run(async (runtime, _) =>
    {
        var system = new ActorSystem("test", runtime);
        var quick = system.Spawn("quick", () => new LambdaActor<string>((_, _, _) => ValueTask.CompletedTask));
        var slow = system.Spawn("slow", () => new LambdaActor<string>(async (_, _, cancellationToken) => await Task.Delay(TimeSpan.FromMilliseconds(30), runtime.Time, cancellationToken)));
        await slow.TellAsync("before");
        await Task.Delay(TimeSpan.FromSeconds(1), runtime.Time);

        var measuring = system.MeasureAsync(TimeSpan.FromSeconds(1));
        await EntityTests.ThrowsAsync<InvalidOperationException>(() => system.MeasureAsync(TimeSpan.FromSeconds(1)));
        for (var n = 0; n < 3; n++)
        {
            await quick.TellAsync("x");
            await slow.TellAsync("x");
        }

        var timings = await measuring;
        timings.Count.ShouldBe(2);
        (timings[0].Path.ToString(), timings[0].Messages, timings[0].LongestMessage).ShouldBe(("/user/slow", 3, "String"));
        timings[0].Busy.ShouldBe(TimeSpan.FromMilliseconds(90));
        timings[0].Longest.ShouldBe(TimeSpan.FromMilliseconds(30));
        (timings[1].Path.ToString(), timings[1].Messages, timings[1].Busy).ShouldBe(("/user/quick", 3, TimeSpan.Zero));
    });

    private static void Run(Func<SimulatedRuntime, InMemoryShardStore, Task> test)
    {
        var runtime = new SimulatedRuntime(1);
        runtime.RunToEnd(() => test(runtime, new InMemoryShardStore(runtime.Time)));
    }
}
