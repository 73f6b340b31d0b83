using System.Buffers;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;
using RagCluster.Simulation.World;
using RagCluster.TestKit;

namespace RagCluster.Simulation.Tests.World;

/// <summary>What the simulator takes for an upgrade is one: two releases that differ in what they write, and read each other.</summary>
public sealed class ReleaseTests
{
    private const byte Ask = 1;
    private const byte Committed = 13;

    private readonly SimulatedRuntime _world = new(1);

    /// <summary>The header's two bytes, then what the later release puts behind them.</summary>
    [Theory]
    [InlineData(false, false, "01-02-00-07-08-7B-7D")]
    [InlineData(false, true, "01-02-00-07-08-7B-7D")]
    [InlineData(true, false, "01-04-00-07-08-81-01-7B-22-61-64-64-65-64-4C-61-74-65-72-22-3A-7B-22-78-22-3A-31-7D-7D")]
    [InlineData(true, true, "01-04-00-07-08-81-01-7B-22-61-64-64-65-64-4C-61-74-65-72-22-3A-7B-22-78-22-3A-31-7D-7D")]
    public void Any_two_releases_agree_on_a_version_and_what_the_later_adds_arrives(bool from, bool to, string arrives) =>
        Receive(from, to, new Message([Ask, 2, 0, 7, 8, (byte)'{', (byte)'}'])).ShouldBe([arrives]);

    [Fact]
    public void The_later_release_says_things_that_nobody_knows() =>
        Receive(fromLater: true, toLater: false, new Message([Committed, 0, 0])).Count.ShouldBe(2);

    /// <summary>Nobody asks anything here: what comes to its end is what the journal held.</summary>
    [Fact]
    public void What_the_first_release_left_undone_is_done()
    {
        var plan = Plan.Draw(3) with
        {
            Embedded = false, Machines = 2, FormerJournal = true, Upgrades = true, Tenants = 1, Faults = new Dictionary<Fault, TimeSpan>(), Think = TimeSpan.FromHours(10), Troubled = TimeSpan.FromSeconds(20),
        };
        var result = Trial.Execute(plan, timeline: true);
        result.Violations.ShouldBeEmpty();
        var told = result.Timeline.About(["t0/talk-0"]).ToList();
        told.ShouldContain(line => line.EndsWith("sees t0/talk-0 2: QuestionAsked", StringComparison.Ordinal));
        told.ShouldContain(line => line.EndsWith(": AnswerCompleted", StringComparison.Ordinal));
    }

    private List<string> Receive(bool fromLater, bool toLater, Message message)
    {
        var network = new SimulatedNetwork(_world);
        var (from, to) = (network.CreateEndpoint("a:1", null, Release(fromLater)), network.CreateEndpoint("b:1", null, Release(toLater)));
        var (a, b) = (new Inbox(), new Inbox());
        _world.RunToEnd(async () =>
        {
            await from.StartAsync(new NodeIncarnation("a", 1), a);
            await to.StartAsync(new NodeIncarnation("b", 1), b);
            var peer = new Peer(new NodeIncarnation("b", 1), "b:1");
            while (!from.TrySend(peer, message))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), _world.Time);
            }
        });
        _world.RunFor(TimeSpan.FromSeconds(1));
        return b.Received;
    }

    private static WireRelease Release(bool isLater) => isLater ? WireRelease.Later : WireRelease.Present;

    private sealed record Message(byte[] Bytes) : IWireMessage
    {
        public void WriteTo(IBufferWriter<byte> output) => output.Write(Bytes);
    }

    private sealed class Inbox : ITransportHandler
    {
        public List<string> Received { get; } = [];

        public ValueTask ReceiveAsync(Peer from, ReadOnlySequence<byte> message, CancellationToken cancellationToken)
        {
            Received.Add(BitConverter.ToString(message.ToArray()));
            return default;
        }

        public void LinkLost(Peer peer, Exception? reason)
        {
        }
    }
}
