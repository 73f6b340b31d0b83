using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.Postgres;
using RagCluster.TestKit;
using RagCluster.TestKit.Postgres;

namespace RagCluster.Kernel.Tests.Entities;

/// <summary>Entities on a real server whose sessions, and which itself, are killed in mid-statement: outcomes that nobody told.</summary>
public sealed class PostgresEntityTests
{
    private const int Accounts = 16;
    private const int Deposits = 40;

    [Fact]
    public async Task Nothing_is_lost_or_done_twice_while_sessions_and_the_server_are_killed()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        await using var server = await PostgresServer.StartAsync();
        await using var store = await PostgresShardStore.OpenAsync(
            new PostgresStoreOptions { Connection = server.ConnectionString(), StatementTimeout = TimeSpan.FromSeconds(2), Lanes = 2 },
            SystemRuntime.Instance,
            NullLogger<PostgresShardStore>.Instance);
        var node = await AccountNode.StartAsync(
            SystemRuntime.Instance,
            store,
            new EntityOptions { Shards = 4, SnapshotEvery = 10 },
            node: new ShardedEntitiesOptions { Commit = new GroupCommitOptions { Lanes = 2, MinBackoff = TimeSpan.FromMilliseconds(10), MaxBackoff = TimeSpan.FromMilliseconds(100) } });

        var done = 0;
        var clients = Enumerable.Range(0, Accounts).Select(async n =>
        {
            for (var i = 0; i < Deposits; i++)
            {
                await DepositAsync(node, $"account-{n}", $"deposit-{i}");
                Interlocked.Increment(ref done);
            }
        }).ToArray();
        for (var kill = 1; kill <= 6; kill++)
        {
            var goal = kill * Accounts * Deposits / 8;
            await Retry.Until($"{goal} deposits are made", () => Volatile.Read(ref done) >= goal);
            if (kill == 4)
            {
                await server.KillAsync();
                await server.StartAgainAsync();
            }
            else
            {
                await server.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'ragcluster %'");
            }
        }

        await Task.WhenAll(clients);
        for (var n = 0; n < Accounts; n++)
        {
            (await node.AskAsync($"account-{n}", new Balance())).Reply.Balance.ShouldBe(Deposits);
            var log = await node.LogAsync($"account-{n}");
            log.Select(record => record.Seq).ShouldBe(Enumerable.Range(1, Deposits).Select(seq => (long)seq));
            log.Select(record => record.Epoch).ShouldBe(log.Select(record => record.Epoch).Order());
        }

        foreach (var shard in await store.ListShardsAsync())
        {
            var log = await store.ReadShardAsync(shard.ShardId, 0, new PageLimit(int.MaxValue, int.MaxValue));
            log.Select(record => record.ShardSeq).ShouldBe(Enumerable.Range(1, log.Count).Select(seq => (long)seq));
        }

        (await store.ListShardsAsync()).Sum(shard => shard.Epoch).ShouldBeGreaterThan(4, "an outcome that was not known costs an epoch");
        await node.StopAsync();
    }

    private static async Task DepositAsync(AccountNode node, string account, string command)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await node.AskAsync(account, new Deposit(1), command, TimeSpan.FromSeconds(5));
                return;
            }
            catch (Exception e) when (attempt < 500 && e is EntityUnavailableException or TimeoutException or StoreException)
            {
                await Task.Delay(20);
            }
        }
    }
}
