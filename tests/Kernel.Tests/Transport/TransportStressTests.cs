using RagCluster.Kernel.Transport;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Transport;

/// <summary>Many threads on one link that keeps breaking: the races that a simulator on one thread cannot see.</summary>
public sealed class TransportStressTests
{
    [Fact]
    public async Task Many_senders_on_a_link_that_keeps_breaking_lose_no_order_and_never_hang()
    {
        const int Senders = 6;
        static TcpTransportOptions Small(TcpTransportOptions o) => o with { QueueBytes = 8 << 10, LeastBackoff = TimeSpan.FromMilliseconds(1), GreatestBackoff = TimeSpan.FromMilliseconds(20) };

        await using var a = await TcpNode.StartAsync("a", Small);
        await using var b = await TcpNode.StartAsync("b", Small);
        await using var relay = new Relay(b.Peer.Address);
        var to = b.Peer with { Address = relay.Address };
        var last = new int[Senders * 2];
        var wrong = 0;
        var handlers = 0;
        var received = 0;
        b.OnMessage = async (_, message, _) =>
        {
            // One message at a time, also when a new link has replaced the one before.
            wrong += Interlocked.Increment(ref handlers) == 1 ? 0 : 1;
            var (stream, number) = Read(System.Buffers.BuffersExtensions.ToArray(message));
            wrong += number > last[stream] ? 0 : 1;
            last[stream] = number;
            if (number % 50 == 0)
            {
                await Task.Yield();
            }

            received++;
            Interlocked.Decrement(ref handlers);
        };
        using var end = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        var senders = Enumerable.Range(0, Senders).Select(sender => Task.Run(async () =>
        {
            for (var number = 1; !end.IsCancellationRequested; number++)
            {
                using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
                try
                {
                    if (number % 7 == 0)
                    {
                        await a.Transport.SendAsync(to, new BulkMessage(Bytes(sender + Senders, number, number % 70 == 0 ? 100_000 : 10)), patience.Token);
                    }
                    else if (number % 3 == 0)
                    {
                        a.Transport.TrySend(to, new Message(Bytes(sender, number, 10)));
                    }
                    else
                    {
                        await a.Transport.SendAsync(to, new Message(Bytes(sender, number, 10 + (number % 300))), patience.Token);
                    }
                }
                catch (PeerUnreachableException)
                {
                    await Task.Delay(1);
                }
            }
        })).ToArray();
        while (!end.IsCancellationRequested)
        {
            await Task.Delay(60);
            relay.Break();
        }

        await Task.WhenAll(senders);
        wrong.ShouldBe(0);
        received.ShouldBeGreaterThan(100);
        a.Lost.Count.ShouldBeGreaterThan(3);
        await Retry.Until("what comes after still arrives", () =>
        {
            a.Transport.TrySend(to, new Message(Bytes(0, int.MaxValue, 10)));
            return last[0] == int.MaxValue;
        });
    }

    private static byte[] Bytes(int stream, int number, int size)
    {
        var bytes = new byte[size + 8];
        BitConverter.TryWriteBytes(bytes, stream);
        BitConverter.TryWriteBytes(bytes.AsSpan(4), number);
        return bytes;
    }

    private static (int Stream, int Number) Read(byte[] bytes) => (BitConverter.ToInt32(bytes), BitConverter.ToInt32(bytes, 4));
}
