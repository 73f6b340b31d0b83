using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;
using RagCluster.TestKit;

namespace RagCluster.Kernel.Tests.Transport;

/// <summary>The simulated network must promise what TCP promises and no more: checkers built on a kinder one would miss bugs.</summary>
public sealed class SimulatedNetworkTests
{
    [Fact]
    public void Messages_arrive_in_order_each_once_however_packets_fare()
    {
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(50),
            Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
            {
                var world = new World(seed, new NetworkOptions { Weather = Weather.Foul });
                world.SendAll(200);
                world.Runtime.RunFor(TimeSpan.FromMinutes(1));
                world.B.Received.ShouldBe(Enumerable.Range(0, 200).Select(i => $"a:{i}"));
                world.A.Lost.ShouldBeEmpty();
            }));
    }

    [Fact]
    public void Between_the_lanes_there_is_no_order_but_each_keeps_its_own()
    {
        var world = new World(5, new NetworkOptions { Weather = Weather.Foul });
        world.Runtime.RunToEnd(async () =>
        {
            for (var i = 0; i < 200; i++)
            {
                await (i % 2 == 0 ? world.A.Transport.SendAsync(world.B.Peer, new Text($"a:{i}")) : world.A.Transport.SendAsync(world.B.Peer, new BulkMessage(Encoding.UTF8.GetBytes($"b:{i}"))));
            }
        });
        world.Runtime.RunFor(TimeSpan.FromMinutes(1));
        world.B.Received.Where(m => m[0] == 'a').ShouldBe(Enumerable.Range(0, 100).Select(i => $"a:{i * 2}"));
        world.B.Received.Where(m => m[0] == 'b').ShouldBe(Enumerable.Range(0, 100).Select(i => $"b:{(i * 2) + 1}"));
        world.B.Received.Select(m => m[2..].PadLeft(3, '0')).ShouldNotBe(Enumerable.Range(0, 200).Select(i => $"{i:000}"));
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void A_planted_bug_shows_doubled_or_disordered_messages(bool duplicates, bool disorder)
    {
        var world = new World(7, new NetworkOptions { Weather = Weather.Foul, PassesDuplicates = duplicates, PassesDisorder = disorder });
        world.SendAll(200);
        world.Runtime.RunFor(TimeSpan.FromMinutes(1));
        world.B.Received.ShouldNotBe(Enumerable.Range(0, 200).Select(i => $"a:{i}"));
    }

    [Fact]
    public void What_arrives_over_cuts_and_resets_is_in_order_and_never_twice_and_every_gap_was_announced()
    {
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(100),
            Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
            {
                var world = new World(seed, new NetworkOptions { Weather = Weather.Foul });
                var chance = new Random(seed);
                for (var i = 0; i < 300; i++)
                {
                    world.Runtime.Call(() => world.A.Transport.TrySend(world.B.Peer, new Text($"a:{i}")));
                    world.Runtime.RunFor(TimeSpan.FromMilliseconds(chance.Next(100)));
                    switch (chance.Next(40))
                    {
                        case 0:
                            world.Network.Cut("a:1", "b:1");
                            break;
                        case 1:
                            world.Network.CutOneWay("a:1", "b:1");
                            break;
                        case 2:
                            world.Network.CutOneWay("b:1", "a:1");
                            break;
                        case 3:
                            world.Network.ResetLinks("a:1", "b:1");
                            break;
                        case 4:
                            world.Network.Pause("b:1");
                            break;
                        case < 10:
                            world.Network.Resume("b:1");
                            world.Network.HealAll();
                            break;
                    }
                }

                world.Network.Resume("b:1");
                world.Network.HealAll();
                world.Runtime.RunFor(TimeSpan.FromMinutes(1));
                var numbers = world.B.Received.Select(m => int.Parse(m[2..], System.Globalization.CultureInfo.InvariantCulture)).ToArray();
                numbers.ShouldBe(numbers.Distinct().Order());
                if (world.Network.MessagesLost > 0)
                {
                    (world.A.Lost.Count + world.B.Lost.Count).ShouldBePositive();
                }

                // Nothing stays broken: one more message goes through.
                world.Send("last");
                world.B.Received[^1].ShouldBe("last");
            }));
    }

    [Fact]
    public void A_cut_shorter_than_the_detection_time_only_delays()
    {
        var world = new World(1);
        world.Send("one");
        world.Network.Cut("a:1", "b:1");
        world.SendAll(3);
        world.Runtime.RunFor(TimeSpan.FromSeconds(2));
        world.B.Received.ShouldBe(["one"]);
        world.Network.HealAll();
        world.Runtime.RunFor(TimeSpan.FromSeconds(2));
        world.B.Received.ShouldBe(["one", "a:0", "a:1", "a:2"]);
        world.A.Lost.ShouldBeEmpty();
    }

    [Fact]
    public void A_longer_cut_loses_the_link_at_both_ends_and_what_was_on_the_way()
    {
        var world = new World(1);
        world.Send("one");
        world.Network.Cut("a:1", "b:1");
        world.SendAll(3);
        world.Runtime.RunFor(TimeSpan.FromSeconds(5));
        world.A.Lost.ShouldBe([world.B.Peer]);
        world.B.Lost.ShouldBe([world.A.Peer]);
        Should.Throw<PeerUnreachableException>(() => world.Send("two"));
        world.Network.HealAll();
        world.Runtime.RunFor(TimeSpan.FromSeconds(2));
        world.Send("three");
        world.B.Received.ShouldBe(["one", "three"]);
    }

    [Fact]
    public void A_one_way_cut_lets_the_other_way_pass_until_the_missing_answers_are_noticed()
    {
        var world = new World(3);
        world.Send("one");
        world.Reply("back");
        world.Network.CutOneWay("a:1", "b:1");
        world.Reply("still");
        world.A.Received.ShouldBe(["back", "still"]);
        world.Runtime.RunFor(TimeSpan.FromSeconds(5));
        Should.Throw<PeerUnreachableException>(() => world.Reply("no more"));
    }

    [Fact]
    public void A_killed_process_is_noticed_at_once_a_machine_that_is_gone_only_after_the_detection_time()
    {
        foreach (var silently in new[] { false, true })
        {
            var world = new World(1);
            world.Send("one");
            world.Network.Kill("b:1", silently);
            world.Runtime.RunFor(TimeSpan.FromMilliseconds(10));
            world.A.Lost.Count.ShouldBe(silently ? 0 : 1);
            world.Runtime.RunFor(TimeSpan.FromSeconds(5));
            world.A.Lost.ShouldBe([world.B.Peer]);
            world.B.Lost.ShouldBeEmpty();
        }
    }

    [Fact]
    public void Another_incarnation_at_the_address_does_not_get_the_messages()
    {
        var world = new World(1);
        world.Network.Kill("b:1");
        var next = new Node(world, "b", incarnation: 2);
        Should.Throw<PeerUnreachableException>(() => world.Send("one")).Message.ShouldContain("b#2");
        world.Runtime.RunToEnd(() => world.A.Transport.SendAsync(next.Peer, new Text("two")).AsTask());
        world.Runtime.RunFor(TimeSpan.FromSeconds(1));
        next.Received.ShouldBe(["two"]);
    }

    [Fact]
    public void A_slow_receiver_fills_the_queue_and_senders_wait()
    {
        var world = new World(1, new NetworkOptions { QueueBytes = 100, WindowBytes = 100 });
        world.B.Hold = new TaskCompletionSource();
        var sent = 0;
        _ = world.Runtime.Run(async () =>
        {
            for (; sent < 100; sent++)
            {
                await world.A.Transport.SendAsync(world.B.Peer, new Text("0123456789"));
            }
        });
        world.Runtime.RunFor(TimeSpan.FromMinutes(1));
        sent.ShouldBeInRange(15, 25);
        world.Runtime.Call(() => world.A.Transport.TrySend(world.B.Peer, new Text("x"))).ShouldBeFalse();
        world.B.Hold.SetResult();
        world.Runtime.RunFor(TimeSpan.FromMinutes(1));
        sent.ShouldBe(100);
        world.B.Received.Count.ShouldBe(100);
    }

    [Fact]
    public void A_sender_that_waits_can_be_cancelled_and_its_message_is_then_not_sent()
    {
        var world = new World(1, new NetworkOptions { QueueBytes = 10, WindowBytes = 10 });
        world.B.Hold = new TaskCompletionSource();
        world.SendAll(7);
        using var cancellation = new CancellationTokenSource();
        var waiting = world.Runtime.Run(() => world.A.Transport.SendAsync(world.B.Peer, new Text("never"), cancellation.Token).AsTask());
        world.Runtime.RunFor(TimeSpan.FromSeconds(1));
        cancellation.Cancel();
        world.Runtime.RunFor(TimeSpan.FromSeconds(1));
        waiting.IsCanceled.ShouldBeTrue();
        world.B.Hold.SetResult();
        world.Runtime.RunFor(TimeSpan.FromSeconds(1));
        world.B.Received.ShouldBe(Enumerable.Range(0, 7).Select(i => $"a:{i}"));
    }

    [Fact]
    public void A_paused_node_handles_old_messages_when_it_resumes_before_it_learns_that_its_links_are_lost()
    {
        var world = new World(2);
        world.Send("one");
        world.Network.Pause("b:1");
        world.SendAll(3);
        world.Runtime.RunFor(TimeSpan.FromSeconds(10));
        world.A.Lost.ShouldBe([world.B.Peer]);
        world.B.Lost.ShouldBeEmpty();
        world.Network.Resume("b:1");
        world.Runtime.RunFor(TimeSpan.FromSeconds(1));
        world.B.Received.ShouldBe(["one", "a:0", "a:1", "a:2"]);
        world.B.Lost.ShouldBe([world.A.Peer]);
    }

    [Fact]
    public void A_forgotten_peer_is_neither_heard_nor_reached()
    {
        var world = new World(2);
        world.Send("one");
        world.Runtime.Call(() =>
        {
            world.B.Transport.Forget(world.A.Peer);
            return true;
        });
        world.Runtime.RunFor(TimeSpan.FromSeconds(1));
        world.A.Lost.ShouldBe([world.B.Peer]);
        Should.Throw<PeerUnreachableException>(() => world.Send("two")).Message.ShouldContain("dead");
        Should.Throw<PeerUnreachableException>(() => world.Reply("three"));
    }

    [Fact]
    public void A_transport_that_closes_in_good_order_delivers_what_it_took()
    {
        var world = new World(2, new NetworkOptions { Weather = Weather.Foul });
        world.SendAll(50);
        world.Runtime.RunToEnd(async () =>
        {
            for (var i = 0; i < 50; i++)
            {
                await world.A.Transport.SendAsync(world.B.Peer, new BulkMessage("bulk"u8.ToArray()));
            }

            await world.A.Transport.DisposeAsync();
        });
        world.Runtime.RunFor(TimeSpan.FromSeconds(10));
        world.B.Received.Count.ShouldBe(100);
        world.B.Lost.ShouldBe([world.A.Peer]);
        world.A.Lost.ShouldBeEmpty();
    }

    [Fact]
    public void A_seed_gives_the_same_run_twice_and_another_seed_another()
    {
        (ulong, string) Run(int seed)
        {
            var world = new World(seed, new NetworkOptions { Weather = Weather.Foul });
            var timeline = new StringBuilder();
            world.Network.Happened = what => timeline.Append(world.Runtime.Time.GetTimestamp()).Append(' ').AppendLine(what);
            world.SendAll(100);
            world.Network.Cut("a:1", "b:1");
            world.Runtime.RunFor(TimeSpan.FromSeconds(5));
            world.Network.HealAll();
            world.Runtime.RunFor(TimeSpan.FromSeconds(5));
            world.Send("x");
            return (world.Runtime.TraceHash, timeline.ToString());
        }

        Run(11).ShouldBe(Run(11));
        Run(11).ShouldNotBe(Run(12));
    }

    private sealed class World
    {
        public World(int seed, NetworkOptions? options = null)
        {
            Runtime = new SimulatedRuntime(seed);
            Network = new SimulatedNetwork(Runtime, options);
            A = new Node(this, "a");
            B = new Node(this, "b");
        }

        public SimulatedRuntime Runtime { get; }

        public SimulatedNetwork Network { get; }

        public Node A { get; }

        public Node B { get; }

        public void Send(string text) => Send(A, B, text);

        public void Reply(string text) => Send(B, A, text);

        public void SendAll(int count) =>
            Runtime.RunToEnd(async () =>
            {
                for (var i = 0; i < count; i++)
                {
                    await A.Transport.SendAsync(B.Peer, new Text($"a:{i}"));
                }
            });

        private void Send(Node from, Node to, string text)
        {
            Runtime.RunToEnd(() => from.Transport.SendAsync(to.Peer, new Text(text)).AsTask());
            Runtime.RunFor(TimeSpan.FromSeconds(1));
        }
    }

    private sealed class Node : ITransportHandler
    {
        public Node(World world, string name, long incarnation = 1)
        {
            Transport = world.Network.CreateEndpoint($"{name}:1");
            Peer = new Peer(new NodeIncarnation(name, incarnation), Transport.Address);
            world.Runtime.RunToEnd(() => Transport.StartAsync(Peer.Node, this).AsTask());
        }

        public SimulatedTransport Transport { get; }

        public Peer Peer { get; }

        public List<string> Received { get; } = [];

        public List<Peer> Lost { get; } = [];

        public TaskCompletionSource? Hold { get; set; }

        public async ValueTask ReceiveAsync(Peer from, ReadOnlySequence<byte> message, CancellationToken cancellationToken)
        {
            if (Hold is { } hold)
            {
                await hold.Task;
            }

            Received.Add(Encoding.UTF8.GetString(message));
        }

        public void LinkLost(Peer peer, Exception? reason) => Lost.Add(peer);
    }

    private sealed class Text(string text) : IWireMessage
    {
        public void WriteTo(IBufferWriter<byte> output) => Encoding.UTF8.GetBytes(text, output);
    }
}
