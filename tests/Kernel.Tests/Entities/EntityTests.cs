using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.Kernel.Journal.Sqlite;
using RagCluster.Kernel.Tests.Journal;

namespace RagCluster.Kernel.Tests.Entities;

/// <summary>The life of an entity, on the real thread pool.</summary>
public sealed class EntityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_reply_comes_after_the_commit_and_survives_a_restart()
    {
        await using (var store = Sqlite())
        {
            var node = await AccountNode.StartAsync(SystemRuntime.Instance, store);
            (await node.AskAsync("alice", new Deposit(5))).ShouldBe(new Committed<AccountReply>(new AccountReply(true, 5), 1));
            (await node.AskAsync("alice", new Withdraw(2))).ShouldBe(new Committed<AccountReply>(new AccountReply(true, 3), 2));
            (await node.AskAsync("alice", new Withdraw(9))).ShouldBe(new Committed<AccountReply>(new AccountReply(false, 3), 2));
            (await node.AskAsync("alice", new Balance())).ShouldBe(new Committed<AccountReply>(new AccountReply(true, 3), 2));
            (await node.LogAsync("alice")).Count.ShouldBe(2);
            await node.StopAsync();
        }

        await using var again = Sqlite();
        var second = await AccountNode.StartAsync(SystemRuntime.Instance, again);
        (await second.AskAsync("alice", new Balance())).ShouldBe(new Committed<AccountReply>(new AccountReply(true, 3), 2));
        await second.StopAsync();
    }

    [Fact]
    public async Task Many_entities_write_at_once()
    {
        await using var store = Sqlite();
        var node = await AccountNode.StartAsync(SystemRuntime.Instance, store);
        await Task.WhenAll(Enumerable.Range(0, 200).Select(async n =>
        {
            for (var i = 1; i <= 5; i++)
            {
                (await node.AskAsync($"account-{n}", new Deposit(1))).Seq.ShouldBe(i);
            }
        }));
        (await Task.WhenAll(Enumerable.Range(0, 200).Select(n => node.AskAsync($"account-{n}", new Balance())))).ShouldAllBe(c => c.Reply.Balance == 5);
        await node.StopAsync();
    }

    private SqliteShardStore Sqlite() =>
        SqliteShardStore.Open(new SqliteStoreOptions { Folder = _folder.Path }, SystemRuntime.Instance, NullLogger<SqliteShardStore>.Instance);
}
