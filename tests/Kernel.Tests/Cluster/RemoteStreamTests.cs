using System.Buffers;
using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Cluster.Wire;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Tests.Entities;
using RagCluster.Kernel.Transport;
using static RagCluster.Kernel.Tests.Cluster.ClusterWorld;

namespace RagCluster.Kernel.Tests.Cluster;

public sealed class RemoteStreamTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(64)]
    public void A_subscriber_on_another_node_gets_past_and_present(int recent) => Simulate(
        async world =>
        {
            var nodes = await world.StartAsync(2);
            var account = await world.AccountOnAsync(nodes[1]);
            for (var n = 0; n < 10; n++)
            {
                await nodes[0].AskAsync(account, new Deposit(n));
            }

            var taking = Enumerable.Range(0, 11).Select(after => (after, nodes[0].TakeAsync(account, after, 20 - after))).ToList();
            for (var n = 10; n < 20; n++)
            {
                await nodes[1].AskAsync(account, new Deposit(n));
            }

            foreach (var (after, events) in taking)
            {
                (await events).ShouldBe(Enumerable.Range(after, 20 - after).Select(n => new Recorded<AccountEvent>(n + 1, new Deposited(n))));
            }

            await EntityTests.ThrowsAsync<ArgumentOutOfRangeException>(() => nodes[0].TakeAsync(account, 21, 1));
        },
        options: new EntityOptions { Shards = 12, RecentEvents = recent });

    [Fact]
    public void A_subscription_goes_on_wherever_its_entity_goes() => Simulate(
        async world =>
        {
            const int events = 300;
            var nodes = (await world.StartAsync(3)).ToList();
            var account = await world.AccountOnAsync(nodes[2]);
            var taking = nodes[0].TakeAsync(account, 0, events);
            var writing = WriteAsync();
            await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
            await nodes[2].StopAsync();
            await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
            var owner = await world.OwnerOfAsync(account);
            nodes[0].Entities.MoveShard(Account.Type, StableHash.Bucket(account, 12), nodes.Take(2).First(node => node.Entities.Node != owner).Entities.Node).ShouldBeTrue();
            await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
            world.Network.ResetLinks("node-0:1", "node-1:1");
            await Task.Delay(TimeSpan.FromSeconds(1), world.Runtime.Time);
            world.Kill(nodes[1]);
            await writing;
            (await taking).Select(recorded => recorded.Seq).ShouldBe(Enumerable.Range(1, events).Select(n => (long)n));

            async Task WriteAsync()
            {
                for (var n = 0; n < events; n++)
                {
                    await nodes[0].AskAsync(account, new Deposit(1), $"c{n}");
                    await Task.Delay(TimeSpan.FromMilliseconds(20), world.Runtime.Time);
                }
            }
        });

    [Fact]
    public void A_reader_that_does_not_read_gets_no_more_than_its_credit() => Simulate(async world =>
    {
        world.Store.Faults.Delay = () => TimeSpan.FromMicroseconds(100);
        await world.StartAsync("reader", new ClusterOptions { StreamCredit = 10 });
        await world.StartAsync("owner");
        await world.BalancedAsync();
        var (reader, owner) = (world.Nodes[0], world.Nodes[1]);
        var account = await world.AccountOnAsync(owner);
        for (var n = 0; n < 200; n++)
        {
            await owner.AskAsync(account, new Deposit(1));
        }

        var before = BytesTo(owner, reader);
        var events = reader.Machine.Call(() => reader.Region.SubscribeAsync(new EntityId(account), 0).GetAsyncEnumerator());
        await reader.Machine.Run(async () => (await events.MoveNextAsync()).ShouldBeTrue());
        await Task.Delay(TimeSpan.FromMilliseconds(500), world.Runtime.Time);
        (BytesTo(owner, reader) - before).ShouldBeLessThan(15 * 40, "ten events, not two hundred");
        for (var n = 2; n <= 200; n++)
        {
            await reader.Machine.Run(async () => (await events.MoveNextAsync()).ShouldBeTrue());
            events.Current.Seq.ShouldBe(n);
        }

        await reader.Machine.Run(async () => await events.DisposeAsync());
    });

    [Fact]
    public void A_reader_that_leaves_lets_its_entity_go() => Simulate(
        async world =>
        {
            var nodes = (await world.StartAsync(2)).ToArray();
            var account = await world.AccountOnAsync(nodes[1]);
            await nodes[0].AskAsync(account, new Deposit(1));
            (await nodes[0].TakeAsync(account, 0, 1)).Count.ShouldBe(1);
            await Task.Delay(TimeSpan.FromSeconds(3), world.Runtime.Time);
            nodes[1].Entities.Describe().Sum(shard => shard.LiveEntities).ShouldBe(0, "nobody reads it, and it is idle");

            var reading = nodes[0].TakeAsync(account, 0, 2);
            await Task.Delay(TimeSpan.FromSeconds(3), world.Runtime.Time);
            nodes[1].Entities.Describe().Sum(shard => shard.LiveEntities).ShouldBe(1, "somebody reads it");
            world.Kill(nodes[0], silently: true);
            await world.UntilAsync("it is let go", () => Task.FromResult(nodes[1].Entities.Describe().Sum(shard => shard.LiveEntities) == 0));
            reading.IsCompleted.ShouldBeFalse();
        },
        options: new EntityOptions { Shards = 12, PassivateAfter = TimeSpan.FromSeconds(1) });

    [Fact]
    public void What_another_node_says_wrongly_hurts_nobody() => Simulate(async world =>
    {
        var nodes = await world.StartAsync(2);
        var stranger = world.Network.CreateEndpoint("stranger:1");
        await stranger.StartAsync(new NodeIncarnation("stranger", 1), new Deaf());
        var to = new Peer(nodes[1].Entities.Node, nodes[1].Address);
        var random = new Random(3);
        for (var n = 0; n < 500; n++)
        {
            var bytes = new byte[random.Next(1, 40)];
            random.NextBytes(bytes);
            bytes[0] = (byte)random.Next(20);
            await stranger.SendAsync(to, new Raw(bytes));
        }

        // Well-formed, and about nothing that exists.
        await stranger.SendAsync(to, new CancelMessage(WireKind.Cancel, 7));
        await stranger.SendAsync(to, new CreditMessage(7, 100));
        await stranger.SendAsync(to, new SubscribeMessage(1, 999, 1, "x", 0, 10));
        await stranger.SendAsync(to, new LocatedMessage(999, new ShardRoute(null, 5)));
        await stranger.SendAsync(to, new PlaceMessage(WireKind.Take, 999, 1, nodes[1].Entities.Node));
        await stranger.SendAsync(to, new AskMessage<AccountCommand>(1, 1, 1, TimeSpan.FromSeconds(1), "", null, new Deposit(1), AccountJson.Default.AccountCommand));
        await Task.Delay(TimeSpan.FromSeconds(5), world.Runtime.Time);
        for (var n = 0; n < 20; n++)
        {
            (await nodes[0].AskAsync($"account-{n}", new Deposit(1))).Seq.ShouldBe(1);
        }

        world.Network.LinksLost.ShouldBe(0, "nor costs the link, which may carry good messages too");
        await stranger.DisposeAsync();
    });

    private static long BytesTo(ClusterAccountNode from, ClusterAccountNode to) =>
        from.Transport.Describe().Single(link => link.Outbound && link.Peer.Node == to.Entities.Node).BytesSent;

    private readonly record struct Raw(byte[] Bytes) : IWireMessage
    {
        public void WriteTo(IBufferWriter<byte> output) => output.Write(Bytes);
    }

    private sealed class Deaf : ITransportHandler
    {
        public ValueTask ReceiveAsync(Peer from, ReadOnlySequence<byte> message, CancellationToken cancellationToken) => ValueTask.CompletedTask;

        public void LinkLost(Peer peer, Exception? reason)
        {
        }
    }
}
