using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Transport;

/// <summary>The transport over real sockets: what the pure parts promise must survive them.</summary>
public sealed class TcpTransportTests
{
    [Fact]
    public async Task Messages_of_a_lane_arrive_in_order_small_and_large()
    {
        await using var a = await TcpNode.StartAsync("a");
        await using var b = await TcpNode.StartAsync("b");
        var (ordinary, bulk) = (new List<int>(), new List<int>());
        b.OnMessage = (from, message, _) =>
        {
            from.ShouldBe(a.Peer);
            var bytes = message.ToArray();
            bytes.AsSpan(5).IndexOfAnyExcept(bytes[4]).ShouldBe(-1);
            (bytes[4] == 1 ? bulk : ordinary).Add(BitConverter.ToInt32(bytes));
            return default;
        };
        for (var i = 0; i < 2000; i++)
        {
            var bytes = new byte[i % 100 == 0 ? 200_000 : 5 + (i % 50)];
            bytes.AsSpan(4).Fill((byte)(i % 2));
            BitConverter.TryWriteBytes(bytes, i).ShouldBeTrue();
            await (i % 2 == 1 ? a.Transport.SendAsync(b.Peer, new BulkMessage(bytes)) : a.Transport.SendAsync(b.Peer, new Message(bytes)));
        }

        await b.Until("all have arrived", () => ordinary.Count + bulk.Count == 2000);
        ordinary.ShouldBe(Enumerable.Range(0, 1000).Select(i => i * 2));
        bulk.ShouldBe(Enumerable.Range(0, 1000).Select(i => (i * 2) + 1));
    }

    [Fact]
    public async Task Both_ways_work_and_the_links_are_described()
    {
        await using var a = await TcpNode.StartAsync("a");
        await using var b = await TcpNode.StartAsync("b");
        await a.SendAsync(b, "there");
        await b.SendAsync(a, "back");
        await a.Until("the answer is here", () => a.Received.Contains("back"));
        await b.Until("the question is here", () => b.Received.Contains("there"));
        var links = a.Transport.Describe();
        links.Count.ShouldBe(2);
        links.ShouldAllBe(link => link.Connected && link.Peer == b.Peer);
        links.Single(link => link.Outbound).MessagesSent.ShouldBe(1);
        links.Single(link => !link.Outbound).MessagesReceived.ShouldBe(1);
    }

    [Fact]
    public async Task A_killed_peer_is_noticed_and_another_incarnation_at_its_address_does_not_get_its_messages()
    {
        await using var a = await TcpNode.StartAsync("a");
        var b = await TcpNode.StartAsync("b");
        await a.SendAsync(b, "one");
        await b.DisposeAsync();
        await a.Until("the link is lost", () => a.Lost.Contains(b.Peer));
        (await Should.ThrowAsync<PeerUnreachableException>(() => a.SendAsync(b, "two"))).Message.ShouldContain("b#1@");

        await using var next = await TcpNode.StartAsync("b", o => o with { Address = b.Peer.Address }, incarnation: 2);
        await Retry.Until("the incarnation is refused", () =>
        {
            var refused = Should.Throw<PeerUnreachableException>(() => a.SendAsync(b, "three"));
            return refused.Message.Contains("b#2 is at the address", StringComparison.Ordinal);
        });
        await a.SendAsync(next, "four");
        await next.Until("the message is here", () => next.Received.SequenceEqual(["four"]));
    }

    [Fact]
    public async Task A_broken_link_is_made_anew_and_what_arrives_stays_in_order()
    {
        await using var a = await TcpNode.StartAsync("a");
        await using var b = await TcpNode.StartAsync("b");
        await using var relay = new Relay(b.Peer.Address);
        var to = b.Peer with { Address = relay.Address };
        var received = new ConcurrentQueue<int>();
        b.OnMessage = (_, message, _) =>
        {
            received.Enqueue(int.Parse(Encoding.UTF8.GetString(message), CultureInfo.InvariantCulture));
            return default;
        };
        for (var i = 0; i < 3000; i++)
        {
            if (i % 1000 == 999)
            {
                // All that was taken on a link that stands has arrived; what is taken while it breaks may be lost.
                var last = i - 1;
                await Task.WhenAny(Retry.Until("the last one is here", () => received.LastOrDefault() == last), Task.Delay(2000));
                relay.Break();
            }

            try
            {
                await a.SendAsync(to, i.ToString(CultureInfo.InvariantCulture));
            }
            catch (PeerUnreachableException)
            {
                await Task.Delay(20);
            }
        }

        await Retry.Until("the last number gets through", () =>
        {
            a.Transport.TrySend(to, new Message("3000"u8.ToArray()));
            return received.Contains(3000);
        });
        var numbers = received.TakeWhile(n => n < 3000).ToArray();
        numbers.ShouldBe(numbers.Distinct().Order());
        numbers.Length.ShouldBeGreaterThanOrEqualTo(999);
        a.Lost.ShouldNotBeEmpty();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1000)]
    public async Task A_message_sent_while_the_link_is_being_lost_is_sent_by_the_next_one_or_refused_but_does_not_wait_for_ever(int stoodFor)
    {
        static TcpTransportOptions Quick(TcpTransportOptions o) => o with { HeartbeatInterval = TimeSpan.FromMilliseconds(50), DetectionTime = TimeSpan.FromMilliseconds(800) };

        await using var a = await TcpNode.StartAsync("a", Quick);
        await using var b = await TcpNode.StartAsync("b", Quick);
        await using var relay = new Relay(b.Peer.Address);
        var to = b.Peer with { Address = relay.Address };
        await a.SendAsync(to, "one");
        await b.Until("one is here", () => b.Received.Count == 1);
        await Task.Delay(stoodFor);
        Task? sending = null;
        a.OnLost = () => sending ??= a.SendAsync(to, "two");
        relay.Break();
        await a.Until("the link is lost", () => sending is not null);
        if (stoodFor > 0)
        {
            await sending!;
            await b.Until("two is here", () => b.Received.Contains("two"));
        }
        else
        {
            await Should.ThrowAsync<PeerUnreachableException>(() => sending!);
        }
    }

    [Fact]
    public async Task A_network_that_goes_silent_is_noticed_at_both_ends()
    {
        static TcpTransportOptions Impatient(TcpTransportOptions o) =>
            o with { HeartbeatInterval = TimeSpan.FromMilliseconds(50), DetectionTime = TimeSpan.FromMilliseconds(400), ConnectTimeout = TimeSpan.FromMilliseconds(400) };

        await using var a = await TcpNode.StartAsync("a", Impatient);
        await using var b = await TcpNode.StartAsync("b", Impatient);
        await using var relay = new Relay(b.Peer.Address);
        var to = b.Peer with { Address = relay.Address };
        await a.SendAsync(to, "one");
        await b.Until("one is here", () => b.Received.Count == 1);

        // Quiet is not silent: heartbeats keep the link.
        await Task.Delay(1000);
        a.Lost.ShouldBeEmpty();
        relay.Swallows = true;
        await a.Until("the sender notices", () => a.Lost.Contains(to));
        await b.Until("the receiver notices", () => b.Lost.Contains(a.Peer));
        (await Should.ThrowAsync<PeerUnreachableException>(() => a.SendAsync(to, "two"))).Message.ShouldContain("in time");
        relay.Swallows = false;
        await Retry.Until("it heals", () => a.Transport.TrySend(to, new Message("three"u8.ToArray())));
    }

    [Fact]
    public async Task A_slow_handler_makes_senders_wait_and_is_not_taken_for_dead()
    {
        static TcpTransportOptions Small(TcpTransportOptions o) =>
            o with { QueueBytes = 64 << 10, HeartbeatInterval = TimeSpan.FromMilliseconds(50), DetectionTime = TimeSpan.FromMilliseconds(300) };

        await using var a = await TcpNode.StartAsync("a", Small);
        await using var b = await TcpNode.StartAsync("b", Small);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var received = 0;
        b.OnMessage = async (_, _, _) =>
        {
            await gate.Task;
            received++;
        };
        var sent = 0;
        var sending = Task.Run(async () =>
        {
            for (; sent < 2_000; sent++)
            {
                await a.Transport.SendAsync(b.Peer, new Message(new byte[10_000]));
            }
        });
        await Task.Delay(1500);
        sent.ShouldBeLessThan(1_900);
        a.Transport.TrySend(b.Peer, new Message([1])).ShouldBeFalse();
        a.Transport.Describe().Single(link => link.Outbound).QueuedBytes.ShouldBeLessThan(150 << 10);
        using (var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(50)))
        {
            await Should.ThrowAsync<OperationCanceledException>(() => a.Transport.SendAsync(b.Peer, new Message([1]), patience.Token).AsTask());
        }

        a.Lost.ShouldBeEmpty();
        gate.SetResult();
        await sending;
        await b.Until("all have arrived, but for the cancelled one", () => received == 2_000);
    }

    [Fact]
    public async Task A_handler_that_fails_costs_its_link_and_nothing_else()
    {
        await using var a = await TcpNode.StartAsync("a");
        await using var b = await TcpNode.StartAsync("b");
        b.OnMessage = (_, _, _) => throw new FormatException("planted");
        await a.SendAsync(b, "bad");
        await b.Until("the link is lost", () => b.Lost.Contains(a.Peer));
        await a.Until("the link is lost", () => a.Lost.Contains(b.Peer));
        b.OnMessage = null;
        await Retry.Until("messages pass again", () =>
        {
            a.Transport.TrySend(b.Peer, new Message("good"u8.ToArray()));
            return b.Received.Contains("good");
        });
    }

    [Fact]
    public async Task A_forgotten_incarnation_is_neither_dialled_nor_let_in()
    {
        await using var a = await TcpNode.StartAsync("a");
        await using var b = await TcpNode.StartAsync("b");
        await a.SendAsync(b, "one");
        await b.SendAsync(a, "one");
        await b.Until("the link stands", () => b.Received.Count == 1);
        b.Transport.Forget(a.Peer);
        await a.Until("both links are lost", () => a.Lost.Count == 2);
        (await Should.ThrowAsync<PeerUnreachableException>(() => b.SendAsync(a, "two"))).Message.ShouldContain("held for dead");
        await Retry.Until("it is refused", () => Should.Throw<PeerUnreachableException>(() => a.SendAsync(b, "two")).Message.Contains("held for dead", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Closing_delivers_what_was_taken()
    {
        var a = await TcpNode.StartAsync("a");
        await using var b = await TcpNode.StartAsync("b");
        b.OnMessage = async (_, message, _) =>
        {
            await Task.Yield();
            b.Received.Enqueue(Encoding.UTF8.GetString(message));
        };
        for (var i = 0; i < 5000; i++)
        {
            await a.SendAsync(b, $"{i}");
        }

        await a.DisposeAsync();
        await b.Until("the link is closed", () => b.Lost.Contains(a.Peer));
        b.Received.Count.ShouldBe(5000);
        await Should.ThrowAsync<PeerUnreachableException>(() => a.SendAsync(b, "late"));
        a.Log.Warnings.ShouldBeEmpty();
    }

    [Fact]
    public async Task Who_is_at_an_address_can_be_asked_without_a_link()
    {
        await using var a = await TcpNode.StartAsync("a");
        await using var b = await TcpNode.StartAsync("b", incarnation: 7);
        await b.SendAsync(a, "one");
        (await a.Transport.IdentifyAsync(b.Peer.Address)).ShouldBe(b.Peer.Node);
        (await b.Transport.IdentifyAsync(a.Peer.Address)).ShouldBe(a.Peer.Node);
        (await a.Transport.IdentifyAsync(a.Peer.Address)).ShouldBe(a.Peer.Node);
        (await Should.ThrowAsync<PeerUnreachableException>(() => a.Transport.IdentifyAsync("127.0.0.1:1").AsTask())).Message.ShouldContain("nobody listens");
        await b.SendAsync(a, "two");
        await a.Until("the link has not suffered", () => a.Received.SequenceEqual(["one", "two"]));
        (a.Lost.Count, a.Log.Warnings.Count).ShouldBe((0, 0));
    }

    [Fact]
    public async Task A_node_behind_another_address_announces_that_one()
    {
        await using var b = await TcpNode.StartAsync("b", o => o with { Address = "127.0.0.1:9", Bind = "127.0.0.1", BindPort = 0 });
        b.Transport.Address.ShouldBe("127.0.0.1:9");
        await using var everywhere = await TcpNode.StartAsync("c", o => o with { Address = "node.invalid:0" });
        await using var a = await TcpNode.StartAsync("a");
        await a.SendAsync(everywhere.Peer with { Address = $"127.0.0.1:{HostPort.Parse(everywhere.Peer.Address).Port}" }, "by any address");
        await everywhere.Until("it is here", () => everywhere.Received.Count == 1);
    }

    [Fact]
    public async Task Two_nodes_cannot_have_one_address()
    {
        await using var a = await TcpNode.StartAsync("a");
        (await Should.ThrowAsync<IOException>(() => TcpNode.StartAsync("b", o => o with { Address = a.Peer.Address }))).Message.ShouldContain("Is another node running there");
        (await Should.ThrowAsync<PeerUnreachableException>(() => a.SendAsync(new Peer(new NodeIncarnation("b", 1), a.Peer.Address), "x"))).Message.ShouldContain("this node itself");
    }

    [Theory]
    [InlineData("another cluster", "is not cluster")]
    [InlineData("another secret", "secret is another one")]
    public async Task Who_does_not_belong_hears_why_and_both_say_it_once(string what, string said)
    {
        await using var a = await TcpNode.StartAsync("a", o => what == "another cluster" ? o with { Cluster = "other" } : o with { Secret = "another secret of some length" });
        await using var b = await TcpNode.StartAsync("b");
        for (var i = 0; i < 20; i++)
        {
            (await Should.ThrowAsync<PeerUnreachableException>(() => a.SendAsync(b, "x"))).Message.ShouldContain(said);
        }

        a.Log.Warnings.ShouldHaveSingleItem().ShouldContain(said);
        b.Log.Warnings.ShouldHaveSingleItem().ShouldContain("127.0.0.1, which says it is a#1");
        b.Received.ShouldBeEmpty();
    }

    [Fact]
    public async Task Foreign_peers_scans_and_floods_harm_nobody()
    {
        await using var a = await TcpNode.StartAsync("a", o => o with { MaxPendingHandshakes = 16, ConnectTimeout = TimeSpan.FromSeconds(1) });
        await using var b = await TcpNode.StartAsync("b");
        var port = int.Parse(a.Peer.Address[(a.Peer.Address.LastIndexOf(':') + 1)..], CultureInfo.InvariantCulture);
        var idle = new List<TcpClient>();
        for (var i = 0; i < 200; i++)
        {
            var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", port);
            idle.Add(client);
        }

        using var web = new TcpClient();
        await web.ConnectAsync("127.0.0.1", port);
        await web.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
        (await ReadToEndAsync(web)).ShouldBe(0);
        using var endless = new TcpClient();
        await endless.ConnectAsync("127.0.0.1", port);
        await Should.ThrowAsync<IOException>(async () =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                await endless.GetStream().WriteAsync(i == 0 ? [.. "RAGC"u8, 1, 0xFF, 0xFF] : new byte[10_000]);
            }
        });

        await b.SendAsync(a, "in time");
        await a.Until("the good one is heard", () => a.Received.Contains("in time"));
        await Retry.Until("the idle ones are closed", () => idle.TrueForAll(client => client.Client.Poll(0, SelectMode.SelectRead)));
        a.Log.Warnings.Count.ShouldBeLessThan(5);
        a.Log.Warnings.ShouldContain(line => line.Contains("not RagCluster's protocol", StringComparison.Ordinal) || line.Contains("slowest of too many", StringComparison.Ordinal));
        idle.ForEach(client => client.Dispose());
    }

    [Fact]
    public async Task Garbage_on_a_link_that_stands_closes_it_with_a_reason()
    {
        await using var a = await TcpNode.StartAsync("a");
        await using var b = await TcpNode.StartAsync("b");
        await using var relay = new Relay(b.Peer.Address) { Spoils = 2000 };
        var to = b.Peer with { Address = relay.Address };
        b.OnMessage = (_, _, _) => default;
        await Retry.Until("the link is lost", () =>
        {
            // Of empty messages every byte is a header's.
            for (var i = 0; i < 200; i++)
            {
                a.Transport.TrySend(to, new Message([]));
            }

            return b.Lost.Contains(a.Peer) && a.Lost.Contains(to);
        });
        await Retry.Until("a new one stands", () => a.Transport.TrySend(to, new Message([])));
    }

    [Theory]
    [InlineData("no address", "host:port")]
    [InlineData("no secret", "anybody on the network")]
    [InlineData("short secret", "at least 16")]
    [InlineData("bind to a name", "IP addresses only")]
    [InlineData("detects before it beats", "healthy links")]
    public async Task Options_that_cannot_work_are_refused(string what, string said)
    {
        (await Should.ThrowAsync<ArgumentException>(() => TcpNode.StartAsync("a", o => what switch
        {
            "no address" => o with { Address = "here" },
            "no secret" => o with { Secret = null },
            "detects before it beats" => o with { DetectionTime = TimeSpan.FromMilliseconds(900) },
            "short secret" => o with { Secret = "hunter2" },
            _ => o with { Bind = "localhost" },
        }))).Message.ShouldContain(said);
    }

    [Theory]
    [InlineData("a:1", "a", 1)]
    [InlineData("node-1.ragcluster.svc:9300", "node-1.ragcluster.svc", 9300)]
    [InlineData("127.0.0.1:0", "127.0.0.1", 0)]
    [InlineData("[::1]:9300", "::1", 9300)]
    public void Addresses_are_read_and_written(string text, string host, int port)
    {
        var address = HostPort.Parse(text);
        address.ShouldBe(new HostPort(host, port));
        address.ToString().ShouldBe(text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData(":1")]
    [InlineData("a:")]
    [InlineData("a:65536")]
    [InlineData("a:-1")]
    [InlineData("::1:80")]
    [InlineData("[a]:80")]
    [InlineData("a b:80")]
    [InlineData("http://a:80")]
    public void What_is_no_address_is_refused(string text) => Should.Throw<FormatException>(() => HostPort.Parse(text));

    private static async Task<int> ReadToEndAsync(TcpClient client)
    {
        var bytes = new byte[1000];
        var total = 0;
        try
        {
            while (await client.GetStream().ReadAsync(bytes) is var count and > 0)
            {
                total += count;
            }
        }
        catch (IOException)
        {
            // A reset, because not all that we sent was read.
        }

        return total;
    }
}
