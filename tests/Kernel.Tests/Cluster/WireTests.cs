using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using RagCluster.Kernel.Cluster;
using RagCluster.Kernel.Cluster.Wire;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Tests.Entities;
using RagCluster.Kernel.Transport;
using Outcome = RagCluster.Kernel.Cluster.Wire.Outcome;

namespace RagCluster.Kernel.Tests.Cluster;

/// <summary>The bytes are a frozen format: nodes of two versions talk to each other during an upgrade.</summary>
public sealed class WireTests
{
    [Fact]
    public void Envelopes_look_as_they_always_have()
    {
        Hex(new AskMessage<AccountCommand>(300, 7, 5, TimeSpan.FromMilliseconds(1500), "alice", "c1", new Deposit(5), AccountJson.Default.AccountCommand))
            .ShouldBe("010F00AC020705DC0B06616C696365036331" + Hex("""{"$type":"deposit","amount":5}"""));
        Hex(new ReplyMessage<AccountReply>(1, 2, new AccountReply(true, 3), AccountJson.Default.AccountReply))
            .ShouldBe("020300010002" + Hex("""{"done":true,"balance":3}"""));
        Hex(new RefusalMessage(WireKind.Reply, 1, Outcome.Moved, null, 9, new ShardRoute(new Peer(new NodeIncarnation("n", 2), "h:1"), 4)))
            .ShouldBe("020C000101000904026E0204683A31");
        Hex(new CancelMessage(WireKind.Cancel, 1)).ShouldBe("03010001");
        Hex(new SubscribeMessage(1, 2, 3, "a", 4, 5)).ShouldBe("04070001020302610405");
        Hex(new EventsMessage(1, 2, 1, "\u0002{}"u8.ToArray())).ShouldBe("050300010201027B7D");
        var ask = new AskMessage<AccountCommand>(1, 2, 3, TimeSpan.FromSeconds(1), "a", null, new Balance(), AccountJson.Default.AccountCommand);
        Hex(new LargeAskMessage<AccountCommand>(ask)).ShouldBe(Hex(ask), "the lane changes nothing in it");
        Hex(new CreditMessage(1, 2)).ShouldBe("0602000102");
        Hex(new StatusMessage(true, false, true, ["t"], [new NodeIncarnation("n", 1)])).ShouldBe("0908000501027401026E01");
        Hex(new PlaceMessage(WireKind.Take, 1, 2, new NodeIncarnation("n", 3))).ShouldBe("0A05000102026E03");
        Hex(new LocatedMessage(1, new ShardRoute(null, 2))).ShouldBe("0C05000102000000");
        Hex(new CommittedMessage([1, 300])).ShouldBe("0D04000201AC02");
        Hex(new CallMessage(1, TimeSpan.FromMilliseconds(1500), new byte[] { 7 })).ShouldBe("0E030001DC0B07");
        Hex(new CallReplyMessage(1, null, new byte[] { 7 })).ShouldBe("0F0200010007");
        Hex(new CallReplyMessage(1, "no", default)).ShouldBe("0F040001036E6F");
    }

    [Fact]
    public void What_is_written_is_read_back()
    {
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(300),
            Prop.ForAll(ArbMap.Default.ArbFor<(long Id, NonNull<string> Entity, string? Command, PositiveInt Ms)>(), given =>
            {
                var entity = Valid(given.Entity.Get);
                var command = given.Command is null ? null : Valid(given.Command);
                var message = Bytes(new AskMessage<AccountCommand>(given.Id, 7, given.Id, TimeSpan.FromMilliseconds(given.Ms.Get), entity, command, new Withdraw(given.Id), AccountJson.Default.AccountCommand));
                foreach (var sequence in new[] { new ReadOnlySequence<byte>(message), InPieces(message) })
                {
                    var reader = new WireReader(sequence);
                    reader.Kind.ShouldBe(WireKind.Ask);
                    AskHeader.Read(ref reader).ShouldBe(new AskHeader(given.Id, 7, given.Id, TimeSpan.FromMilliseconds(given.Ms.Get), entity, command));
                    reader.AtEnd.ShouldBeTrue();
                    WireJson.Read(reader.Payload, AccountJson.Default.AccountCommand).ShouldBe(new Withdraw(given.Id));
                }
            }));
    }

    [Fact]
    public void What_a_newer_version_adds_to_a_header_is_skipped()
    {
        byte[] message = [1, 0x11, 0, .. Convert.FromHexString("AC020705DC0B06616C696365036331FFFF"), .. "{\"$type\":\"balance\"}"u8];
        var reader = new WireReader(new ReadOnlySequence<byte>(message));
        AskHeader.Read(ref reader).Entity.ShouldBe("alice");
        WireJson.Read(reader.Payload, AccountJson.Default.AccountCommand).ShouldBe(new Balance());
    }

    [Fact]
    public void Garbage_is_refused_and_nothing_else()
    {
        var random = new System.Random(7);
        byte[][] samples =
        [
            Bytes(new AskMessage<AccountCommand>(1, 7, 5, TimeSpan.FromSeconds(1), "alice", "c1", new Deposit(5), AccountJson.Default.AccountCommand)),
            Bytes(new StatusMessage(true, false, true, ["t", "u"], [new NodeIncarnation("n", 1)])),
            Bytes(new SubscribeMessage(1, 2, 3, "a", 4, 5)),
            Bytes(new LocatedMessage(1, new ShardRoute(new Peer(new NodeIncarnation("n", 1), "h:1"), 2))),
            Bytes(new PlaceMessage(WireKind.Take, 1, 2, new NodeIncarnation("n", 3))),
        ];
        var refused = 0;
        for (var n = 0; n < 20_000; n++)
        {
            var bytes = samples[n % samples.Length].ToArray();
            for (var flips = random.Next(1, 5); flips > 0; flips--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                Read(bytes[..random.Next(bytes.Length + 1)]);
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }

        refused.ShouldBeGreaterThan(10_000);
    }

    private static void Read(byte[] bytes)
    {
        var reader = new WireReader(new ReadOnlySequence<byte>(bytes));
        switch (reader.Kind)
        {
            case WireKind.Ask:
                AskHeader.Read(ref reader);
                WireJson.Read(reader.Payload, AccountJson.Default.AccountCommand);
                break;
            case WireKind.Status:
                StatusMessage.Read(ref reader);
                break;
            case WireKind.Subscribe:
                SubscribeMessage.Read(ref reader);
                break;
            case WireKind.Located:
                RouteWire.Read(ref reader);
                break;
            case WireKind.Take:
                PlaceMessage.Read(ref reader);
                break;
        }
    }

    /// <summary>A half of a surrogate pair cannot be written as UTF-8.</summary>
    private static string Valid(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private static ReadOnlySequence<byte> InPieces(byte[] bytes)
    {
        Piece? first = null, last = null;
        foreach (var b in bytes)
        {
            last = new Piece([b], last);
            first ??= last;
        }

        return new ReadOnlySequence<byte>(first!, 0, last!, 1);
    }

    private static byte[] Bytes<T>(T message)
        where T : IWireMessage
    {
        var output = new ArrayBufferWriter<byte>();
        message.WriteTo(output);
        return output.WrittenSpan.ToArray();
    }

    private static string Hex<T>(T message)
        where T : IWireMessage
    {
        return Convert.ToHexString(Bytes(message));
    }

    private static string Hex(string json) => Convert.ToHexString(Encoding.UTF8.GetBytes(json));

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(byte[] bytes, Piece? before)
        {
            Memory = bytes;
            if (before is not null)
            {
                RunningIndex = before.RunningIndex + 1;
                before.Next = this;
            }
        }
    }
}
