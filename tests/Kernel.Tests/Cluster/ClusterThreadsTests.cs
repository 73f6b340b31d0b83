using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Journal.InMemory;
using RagCluster.Kernel.Tests.Entities;
using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Tests.Cluster;

using AccountRegion = IRegion<AccountCommand, AccountEvent, AccountReply>;

/// <summary>Real threads and real sockets: what a simulator on one thread cannot see.</summary>
public sealed class ClusterThreadsTests
{
    private const int Accounts = 24;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Shards_that_move_all_the_time_lose_and_double_nothing_on_many_threads()
    {
        var store = new InMemoryShardStore(TimeProvider.System);
        var nodes = new List<Node>();
        for (var n = 0; n < 3; n++)
        {
            nodes.Add(await StartAsync(store, $"node-{n}"));
        }

        await nodes[0].Entities.OpenedAsync();
        using var over = new CancellationTokenSource();
        var readers = Enumerable.Range(0, Accounts).Select(account => Task.Run(() => ReadAsync(nodes[account % 2], account, over.Token))).ToArray();
        var writers = Enumerable.Range(0, Accounts).Select(account => Task.Run(() => WriteAsync(nodes, account, over.Token))).ToArray();
        var random = new Random(5);
        for (var n = 0; n < 100; n++)
        {
            nodes[random.Next(2)].Entities.MoveShard(Account.Type, random.Next(8), nodes[random.Next(3)].Entities.Node);
            await Task.Delay(10);
        }

        var leaver = nodes[2];
        await leaver.StopAsync();
        var again = await StartAsync(store, "node-2");
        for (var n = 0; n < 50; n++)
        {
            nodes[random.Next(2)].Entities.MoveShard(Account.Type, random.Next(8), again.Entities.Node);
            await Task.Delay(10);
        }

        await over.CancelAsync();
        var written = await Task.WhenAll(writers);
        written.Sum().ShouldBeGreaterThan(Accounts * 10);
        var read = await Task.WhenAll(readers);
        for (var account = 0; account < Accounts; account++)
        {
            (await again.Region.AskAsync(new EntityId($"account-{account}"), new Balance(), null, Patience)).ShouldBe(EntityTests.Reply(written[account], (int)written[account]));
            read[account].ShouldBeLessThanOrEqualTo(written[account]);
        }

        (await store.ListShardsAsync()).Sum(shard => shard.Epoch).ShouldBeGreaterThan(60, "they have moved");
        foreach (var node in nodes.Take(2).Append(again))
        {
            await node.StopAsync();
        }
    }

    private static async Task<long> WriteAsync(List<Node> nodes, int account, CancellationToken over)
    {
        var n = 0L;
        for (; !over.IsCancellationRequested; n++)
        {
            var reply = await nodes[(int)(n % 2)].Region.AskAsync(new EntityId($"account-{account}"), new Deposit(1), new CommandId($"c{account}-{n}"), Patience, CancellationToken.None);
            reply.Seq.ShouldBe(n + 1);
            await Task.Delay(2, CancellationToken.None);
        }

        return n;
    }

    private static async Task<long> ReadAsync(Node node, int account, CancellationToken over)
    {
        var last = 0L;
        try
        {
            await foreach (var recorded in node.Region.SubscribeAsync(new EntityId($"account-{account}"), 0, over))
            {
                recorded.Seq.ShouldBe(++last);
            }
        }
        catch (OperationCanceledException)
        {
            return last;
        }

        return last;
    }

    private static async Task<Node> StartAsync(InMemoryShardStore store, string name)
    {
        var transport = new TcpTransport(
            new TcpTransportOptions { Cluster = "threads", Address = "127.0.0.1:0", Secret = "sixteen characters or more" }, SystemRuntime.Instance, NullLogger<TcpTransport>.Instance);
        var entities = await ShardedEntities.JoinAsync(
            new ActorSystem(name, SystemRuntime.Instance), store, transport, new ClusterOptions { Lease = TimeSpan.FromSeconds(30) }, new ShardedEntitiesOptions { Node = name });
        var region = await entities.StartAsync(new EntityDefinition<Account, AccountState, AccountCommand, AccountEvent, AccountReply>
        {
            CommandJson = AccountJson.Default.AccountCommand,
            EventJson = AccountJson.Default.AccountEvent,
            ReplyJson = AccountJson.Default.AccountReply,
            StateJson = AccountJson.Default.AccountState,
            Behavior = _ => new AccountBehavior(),
            Options = new EntityOptions { Shards = 8 },
        });
        return new Node(transport, entities, region);
    }

    private sealed record Node(TcpTransport Transport, ShardedEntities Entities, AccountRegion Region)
    {
        public async Task StopAsync()
        {
            await Entities.StopAsync(TimeSpan.FromSeconds(20));
            await Transport.DisposeAsync();
        }
    }
}
