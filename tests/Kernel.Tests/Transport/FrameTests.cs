using System.Buffers;
using System.Security.Cryptography;
using FsCheck;
using FsCheck.Fluent;
using RagCluster.Kernel.Transport;
using RagCluster.Kernel.Transport.Frames;

namespace RagCluster.Kernel.Tests.Transport;

/// <summary>
/// The bytes of a link may be cut anywhere by the network. A reader that is right for one cut and wrong for another
/// shows itself once a month, under load, as a message that is another message's middle.
/// </summary>
public sealed class FrameTests
{
    private const int MaxMessage = 1 << 20;

    private static readonly Gen<(int Size, bool Bulk)> Sizes =
        Gen.Frequency(
                (8, Gen.Choose(0, 200)),
                (1, Gen.Choose(FrameFormat.PartBytes - 8, FrameFormat.PartBytes + 8)),
                (1, Gen.Choose(2 * FrameFormat.PartBytes, 300_000)))
            .SelectMany(size => Gen.Elements(false, true).Select(bulk => (size, bulk)));

    [Fact]
    public void However_the_bytes_are_split_the_same_messages_come_out_each_lane_in_order()
    {
        var inParts = 0;
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(60),
            Prop.ForAll(
                Sizes.ListOf(20).SelectMany(sizes => Gen.Choose(0, int.MaxValue).Select(seed => (sizes, seed))).ToArbitrary(),
                input =>
                {
                    var chance = new Random(input.seed);
                    var sent = input.sizes.Select((message, i) => Payload(i, message.Bulk, message.Size)).ToArray();
                    var wire = Write(sent, chance);
                    var received = Read(Split(wire, chance));
                    Digests(received.Where(m => !IsBulk(m))).ShouldBe(Digests(sent.Where(m => !IsBulk(m))));
                    Digests(received.Where(IsBulk)).ShouldBe(Digests(sent.Where(IsBulk)));
                    inParts += sent.Count(m => m.Length > FrameFormat.PartBytes);
                }));
        inParts.ShouldBeGreaterThan(50);
    }

    [Fact]
    public void A_small_message_waits_for_one_part_of_a_large_one_and_not_for_all_of_it()
    {
        var queue = new SendQueue(MaxMessage);
        queue.Append(new BulkMessage(new byte[MaxMessage]));
        queue.Take().Length.ShouldBe(FrameFormat.PartBytes + FrameFormat.HeaderBytes);
        queue.Written();
        queue.Append(new Message(new byte[10]));
        queue.Take().Length.ShouldBe(10 + FrameFormat.HeaderBytes);
        queue.Written();

        // Nor does the large one wait for ever, however many small ones come.
        queue.Append(new Message(new byte[10]));
        queue.Take().Length.ShouldBe(FrameFormat.PartBytes + FrameFormat.HeaderBytes);
    }

    [Fact]
    public void A_message_that_fails_while_it_writes_itself_leaves_no_trace()
    {
        var queue = new SendQueue(1000);
        queue.Append(new Message([1, 2, 3]));
        Should.Throw<FormatException>(() => queue.Append(new Broken()));
        Should.Throw<ArgumentException>(() => queue.Append(new Message(new byte[1001]))).Message.ShouldContain("1000 at most");
        Should.Throw<ArgumentException>(() => queue.Append(new BulkMessage(new byte[1001])));
        queue.Append(new Message([4]));
        Read([queue.Take().ToArray()]).ShouldBe([[1, 2, 3], [4]]);
        queue.BulkBytes.ShouldBe(0);
    }

    [Fact]
    public void Bytes_that_count_are_those_not_yet_written()
    {
        var queue = new SendQueue(MaxMessage);
        queue.Append(new Message(new byte[100]));
        queue.Append(new BulkMessage(new byte[100_000]));
        (queue.OrdinaryBytes, queue.BulkBytes).ShouldBe((104, 100_000));
        while (!queue.Take().IsEmpty)
        {
            queue.OrdinaryBytes.ShouldBeLessThanOrEqualTo(104);
            queue.Written();
        }

        (queue.OrdinaryBytes, queue.BulkBytes, queue.IsEmpty).ShouldBe((0, 0, true));
    }

    [Fact]
    public void Garbage_is_refused_with_a_reason_or_waits_for_more_and_takes_no_memory_on_its_word()
    {
        var refused = 0;
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(1500),
            Prop.ForAll(
                Gen.Choose(0, int.MaxValue).ToArbitrary(),
                seed =>
                {
                    var chance = new Random(seed);
                    var wire = Write([.. Enumerable.Range(0, 5).Select(i => Payload(i, i % 2 == 0, chance.Next(200)))], chance);
                    for (var i = chance.Next(1, 6); i > 0; i--)
                    {
                        wire[chance.Next(wire.Length)] = (byte)chance.Next(256);
                    }

                    try
                    {
                        Read(Split(wire[..chance.Next(wire.Length + 1)], chance));
                    }
                    catch (WireFormatException e)
                    {
                        e.Message.ShouldNotBeEmpty();
                        refused++;
                    }
                }));
        refused.ShouldBeGreaterThan(20);

        // 255 MiB claimed, none sent.
        var before = GC.GetAllocatedBytesForCurrentThread();
        var claim = new byte[8];
        FrameFormat.WriteHeader(claim, FrameKind.First, 4);
        claim.AsSpan(4).Fill(0x0F);
        using var reader = new FrameReader(int.MaxValue);
        var buffer = new ReadOnlySequence<byte>(claim);
        reader.TryRead(ref buffer, out _).ShouldBeFalse();
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBeLessThan(10_000);
    }

    [Theory]
    [InlineData("a kind that was never given", new byte[] { 0, 0, 0, 0 })]
    [InlineData("a kind between ours and the skippable", new byte[] { 99, 0, 0, 0 })]
    [InlineData("a payload beyond a part", new byte[] { 1, 0, 0, 2 })]
    [InlineData("a heartbeat with a payload", new byte[] { 6, 1, 0, 0, 7 })]
    [InlineData("a further part of nothing", new byte[] { 3, 1, 0, 0, 7 })]
    [InlineData("a first part without its total", new byte[] { 2, 2, 0, 0, 7, 7 })]
    [InlineData("a total beyond the limit", new byte[] { 2, 4, 0, 0, 0, 0, 0x20, 0 })]
    [InlineData("more than the total", new byte[] { 2, 6, 0, 0, 1, 0, 0, 0, 7, 7 })]
    [InlineData("a second first part", new byte[] { 2, 5, 0, 0, 2, 0, 0, 0, 7, 2, 5, 0, 0, 2, 0, 0, 0, 7 })]
    [InlineData("an empty part", new byte[] { 2, 5, 0, 0, 2, 0, 0, 0, 7, 3, 0, 0, 0 })]
    public void What_the_protocol_does_not_allow_is_refused(string what, byte[] wire) =>
        Should.Throw<WireFormatException>(() => Read([wire]), what);

    [Fact]
    public void Frames_of_a_later_version_are_skipped_and_counted()
    {
        using var reader = new FrameReader(MaxMessage);
        var buffer = new ReadOnlySequence<byte>([200, 2, 0, 0, 9, 9, 1, 1, 0, 0, 42]);
        reader.TryRead(ref buffer, out var frame).ShouldBeTrue();
        frame.Payload.ToArray().ShouldBe([42]);
        reader.Skipped.ShouldBe(1);
    }

    [Fact]
    public void The_bytes_of_version_1_stay_as_they_are()
    {
        // A rolling upgrade has nodes of two releases on one link. Change these bytes only with a new version.
        var queue = new SendQueue(MaxMessage);
        queue.Append(new Message([0xAB, 0xCD]));
        queue.AppendHeartbeat();
        queue.AppendGoodbye("bye");
        Convert.ToHexString(queue.Take().Span).ShouldBe("01020000ABCD" + "06000000" + "07030000627965");
        queue.Written();
        queue.Append(new Message(new byte[FrameFormat.PartBytes + 1]));
        var parts = queue.Take().Span;
        Convert.ToHexString(parts[..8]).ShouldBe("02000001" + "01000100");
        Convert.ToHexString(parts[^9..]).ShouldBe("03050000" + "0000000000");
    }

    private static byte[] Payload(int number, bool bulk, int size)
    {
        var bytes = new byte[size + 3];
        new Random(number).NextBytes(bytes);
        (bytes[0], bytes[1], bytes[2]) = (bulk ? (byte)1 : (byte)0, (byte)number, (byte)(number >> 8));
        return bytes;
    }

    private static string Digests(IEnumerable<byte[]> messages) =>
        string.Join(' ', messages.Select(message => Convert.ToHexString(SHA256.HashData(message).AsSpan(0, 8))));

    private static bool IsBulk(byte[] message) => message[0] == 1;

    /// <summary>What a writer would put on the wire that takes from the queue now and then.</summary>
    private static byte[] Write(byte[][] messages, Random chance)
    {
        var queue = new SendQueue(MaxMessage);
        var wire = new MemoryStream();
        void Flush()
        {
            wire.Write(queue.Take().Span);
            queue.Written();
        }

        foreach (var message in messages)
        {
            if (chance.Next(4) == 0)
            {
                queue.Append(message, IsBulk(message) ? WireLane.Bulk : WireLane.Ordinary);
            }
            else if (IsBulk(message))
            {
                queue.Append(new BulkMessage(message));
            }
            else
            {
                queue.Append(new Message(message));
            }

            if (chance.Next(10) == 0)
            {
                queue.AppendHeartbeat();
            }

            if (chance.Next(3) == 0)
            {
                Flush();
            }
        }

        while (!queue.IsEmpty)
        {
            Flush();
        }

        return wire.ToArray();
    }

    private static List<byte[]> Split(byte[] wire, Random chance)
    {
        var pieces = new List<byte[]>();
        var most = chance.Next(3) switch { 0 => 3, 1 => 1000, _ => 100_000 };
        for (var at = 0; at < wire.Length;)
        {
            var size = Math.Min(wire.Length - at, 1 + chance.Next(Math.Max(most, wire.Length / 200)));
            pieces.Add(wire[at..(at + size)]);
            at += size;
        }

        return pieces;
    }

    /// <summary>Reads as a pipe does: what is not consumed is seen again, with what has come since, in segments.</summary>
    private static List<byte[]> Read(IReadOnlyList<byte[]> pieces)
    {
        using var reader = new FrameReader(MaxMessage);
        var messages = new List<byte[]>();
        var unread = new List<byte[]>();
        foreach (var piece in pieces)
        {
            unread.Add(piece);
            var buffer = Segments.Of(unread);
            while (reader.TryRead(ref buffer, out var frame))
            {
                if (frame.Kind == FrameKind.Message)
                {
                    messages.Add(frame.Payload.ToArray());
                }
            }

            unread = [.. Segments.PiecesOf(buffer)];
        }

        return messages;
    }
}
