using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal.Sqlite;
using RagCluster.Kernel.Tests.Journal;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Entities;

/// <summary>Entities on the real store and the real thread pool, with real races.</summary>
public sealed class SqliteEntityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Everything_survives_a_restart_whether_stopped_or_dropped()
    {
        var options = new EntityOptions { Shards = 4, SnapshotEvery = 4 };
        for (var round = 0; round < 4; round++)
        {
            await using var store = Open();
            var node = await AccountNode.StartAsync(SystemRuntime.Instance, store, options);
            await Task.WhenAll(Enumerable.Range(0, 50).Select(async n =>
            {
                var id = $"account-{n}";
                (await node.AskAsync(id, new Balance())).ShouldBe(EntityTests.Reply(round * 5, round * 5));
                for (var i = 1; i <= 5; i++)
                {
                    (await node.AskAsync(id, new Deposit(1), $"c{round}-{i}")).Seq.ShouldBe((round * 5) + i);
                    (await node.AskAsync(id, new Deposit(1), $"c{round}-{i}")).Seq.ShouldBe((round * 5) + i);
                }
            }));
            if (round % 2 == 0)
            {
                await node.StopAsync();
            }
        }
    }

    [Fact]
    public async Task Passivation_and_subscriptions_race_with_commands_and_nothing_is_lost()
    {
        const int events = 150;
        await using var store = Open();
        var options = new EntityOptions { Shards = 2, PassivateAfter = TimeSpan.FromMilliseconds(2), RecentEvents = 4, SubscriberBuffer = 2, SnapshotEvery = 20 };
        var node = await AccountNode.StartAsync(SystemRuntime.Instance, store, options);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(async n =>
        {
            var id = $"account-{n}";
            var readers = Enumerable.Range(0, n).Select(_ => Task.Run(() => node.TakeAsync(id, 0, events))).ToArray();
            for (var i = 1; i <= events; i++)
            {
                (await node.AskAsync(id, new Deposit(1))).Seq.ShouldBe(i);
                if (i % 10 == 0)
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(3), TimeProvider.System);
                }
            }

            foreach (var reader in readers)
            {
                (await reader).Select(recorded => recorded.Seq).ShouldBe(Enumerable.Range(1, events).Select(seq => (long)seq));
            }
        }));
        await node.StopAsync();
    }

    [Fact]
    public async Task A_full_disk_refuses_commands_and_room_lets_them_through_again()
    {
        await using var store = Open();
        var node = await AccountNode.StartAsync(SystemRuntime.Instance, store, new EntityOptions { Shards = 1, SnapshotEvery = 0 });
        await node.AskAsync("alice", new Deposit(1));
        await store.LimitPagesAsync(1);
        var done = 1;
        var refusal = await Should.ThrowAsync<EntityUnavailableException>(async () =>
        {
            for (; done < 2000; done++)
            {
                await node.AskAsync("alice", new Break(new string('x', 500)));
            }
        });
        refusal.Message.ShouldContain("is full");
        (await node.AskAsync("alice", new Balance())).Seq.ShouldBe(done);

        await store.LimitPagesAsync(int.MaxValue);
        await Retry.Until("the store takes commands again", async () =>
        {
            try
            {
                return (await node.AskAsync("alice", new Deposit(1))).Seq == done + 1;
            }
            catch (EntityUnavailableException)
            {
                return false;
            }
        });
        await node.StopAsync();
    }

    private SqliteShardStore Open() =>
        SqliteShardStore.Open(new SqliteStoreOptions { Folder = _folder.Path }, SystemRuntime.Instance, NullLogger<SqliteShardStore>.Instance);
}
