using RagCluster.Kernel.Transport;

namespace RagCluster.Kernel.Tests.Transport;

/// <summary>Runs alone: what the others allocate meanwhile would count.</summary>
[Collection(nameof(TcpTransportAllocationTests))]
[CollectionDefinition(nameof(TcpTransportAllocationTests), DisableParallelization = true)]
public sealed class TcpTransportAllocationTests
{
    [Fact]
    public async Task Sending_and_receiving_small_messages_allocates_nothing()
    {
        await using var a = await TcpNode.StartAsync("a");
        await using var b = await TcpNode.StartAsync("b");
        var received = 0;
        b.OnMessage = (_, _, _) =>
        {
            Volatile.Write(ref received, received + 1);
            return default;
        };
        var message = new Message(new byte[100]);
        async Task SendAsync(int count)
        {
            Volatile.Write(ref received, 0);
            for (var i = 0; i < count; i++)
            {
                while (!a.Transport.TrySend(b.Peer, message))
                {
                    await Task.Delay(1);
                }
            }

            await b.Until("all are here", () => Volatile.Read(ref received) == count);
        }

        // The least of some rounds: pools fill, and the runner itself allocates now and then.
        var perMessage = double.MaxValue;
        for (var round = 0; round < 5; round++)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            await SendAsync(100_000);
            perMessage = Math.Min(perMessage, (GC.GetTotalAllocatedBytes(precise: true) - before) / 100_000.0);
        }

        perMessage.ShouldBeLessThan(8);
    }

    [Fact]
    public async Task Links_that_come_and_go_and_connections_that_are_refused_leave_no_file_open()
    {
        static int Open() => Directory.GetFileSystemEntries("/proc/self/fd").Length;

        await using var a = await TcpNode.StartAsync("a", o => o with { LeastBackoff = TimeSpan.FromMilliseconds(1), GreatestBackoff = TimeSpan.FromMilliseconds(1) });
        await using var stranger = await TcpNode.StartAsync("c", o => o with { Cluster = "other", LeastBackoff = TimeSpan.FromMilliseconds(1), GreatestBackoff = TimeSpan.FromMilliseconds(1) });
        var incarnation = 0L;
        async Task ComeAndGoAsync(int rounds)
        {
            for (var round = 0; round < rounds; round++)
            {
                await using var b = await TcpNode.StartAsync("b", incarnation: ++incarnation);
                await a.SendAsync(b, "there");
                await b.SendAsync(a, "back");
                await Should.ThrowAsync<PeerUnreachableException>(() => stranger.SendAsync(a, "refused"));
                (await a.Transport.IdentifyAsync(b.Peer.Address)).ShouldBe(b.Peer.Node);
                a.Transport.Forget(b.Peer);
            }
        }

        await ComeAndGoAsync(5);
        var before = Open();
        await ComeAndGoAsync(40);
        await a.Until("what was opened is closed", () => Open() <= before + 5);
        await a.Until("the links are gone, too", () => a.Transport.Describe().Count == 0);
    }
}
