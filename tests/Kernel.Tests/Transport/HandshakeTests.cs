using System.Buffers;
using FsCheck;
using FsCheck.Fluent;
using RagCluster.Kernel.Journal;
using RagCluster.Kernel.Transport;
using RagCluster.Kernel.Transport.Frames;
using RagCluster.Kernel.Transport.Handshakes;

namespace RagCluster.Kernel.Tests.Transport;

/// <summary>Who gets in, decided by the two pure halves of the handshake.</summary>
public sealed class HandshakeTests
{
    private static readonly Peer A = new(new NodeIncarnation("a", 3), "a.example:9300");
    private static readonly Peer B = new(new NodeIncarnation("b", 7), "b.example:9300");
    private static readonly byte[] Key = Proofs.Key("a secret of some length", "docs");

    [Theory]
    [InlineData(1, 1, 1, 1, 1)]
    [InlineData(1, 2, 1, 1, 1)]
    [InlineData(1, 1, 1, 2, 1)]
    [InlineData(2, 3, 1, 4, 3)]
    [InlineData(1, 4, 2, 3, 3)]
    [InlineData(1, 1, 2, 3, null)]
    [InlineData(4, 5, 2, 3, null)]
    public void Both_agree_on_the_newest_version_that_both_speak(int oldestOfA, int newestOfA, int oldestOfB, int newestOfB, int? agreed)
    {
        var (opener, accepter) = Halves(Terms(A) with { OldestVersion = oldestOfA, NewestVersion = newestOfA }, Terms(B) with { OldestVersion = oldestOfB, NewestVersion = newestOfB }, B);
        if (agreed is { } version)
        {
            Talk(opener, accepter);
            (opener.Version, accepter.Version).ShouldBe((version, version));
        }
        else
        {
            Should.Throw<HandshakeException>(() => Talk(opener, accepter)).Code.ShouldBe(RefusalCode.Version);
        }
    }

    [Fact]
    public void An_agreed_handshake_tells_the_accepter_who_came()
    {
        var (opener, accepter) = Halves(Terms(A), Terms(B), B);
        Talk(opener, accepter);
        accepter.Opener.ShouldBe(A);
    }

    [Fact]
    public void Who_only_asks_hears_who_is_there_and_is_not_let_in()
    {
        var (opener, accepter) = Halves(Terms(A), Terms(B), null, _ => (RefusalCode.Dead, "not asked"));
        Talk(opener, accepter);
        (opener.Found, accepter.Wanted).ShouldBe((B.Node, null));
        (opener, accepter) = Halves(Terms(A) with { Key = Proofs.Key("another secret of some length", "docs") }, Terms(B), null);
        Should.Throw<HandshakeException>(() => Talk(opener, accepter));
    }

    [Theory]
    [InlineData("the secret is another one", RefusalCode.Authentication)]
    [InlineData("no secret is shown", RefusalCode.Authentication)]
    [InlineData("the accepter knows no secret", RefusalCode.Authentication)]
    [InlineData("another cluster", RefusalCode.Cluster)]
    [InlineData("an earlier incarnation is wanted", RefusalCode.NotThePeer)]
    [InlineData("another node is wanted", RefusalCode.NotThePeer)]
    [InlineData("the node dials itself", RefusalCode.OwnAddress)]
    [InlineData("the accepter does not admit it", RefusalCode.Dead)]
    public void Who_does_not_belong_is_refused(string what, object code)
    {
        var (opener, accepter) = what switch
        {
            "the secret is another one" => Halves(Terms(A) with { Key = Proofs.Key("another secret of some length", "docs") }, Terms(B), B),
            "no secret is shown" => Halves(Terms(A) with { Key = null }, Terms(B), B),
            "the accepter knows no secret" => Halves(Terms(A), Terms(B) with { Key = null }, B),
            "another cluster" => Halves(Terms(A) with { Cluster = "other" }, Terms(B), B),
            "an earlier incarnation is wanted" => Halves(Terms(A), Terms(B), B with { Node = new NodeIncarnation("b", 6) }),
            "another node is wanted" => Halves(Terms(A), Terms(B), B with { Node = new NodeIncarnation("c", 7) }),
            "the node dials itself" => Halves(Terms(B), Terms(B), B),
            _ => Halves(Terms(A), Terms(B), B, _ => (RefusalCode.Dead, "gone.")),
        };
        Should.Throw<HandshakeException>(() => Talk(opener, accepter)).Code.ShouldBe((RefusalCode)code);
    }

    [Fact]
    public void A_rogue_that_answers_at_the_address_is_not_believed()
    {
        // It relays what it saw another day: every proof is bound to both nonces.
        var (opener, accepter) = Halves(Terms(A), Terms(B), B);
        var recorded = new List<byte[]>();
        Talk(opener, accepter, onReply: recorded.Add);
        var again = new OpenerHandshake(Terms(A), B.Node, Proofs.Nonce());
        again.Receive(Parse(recorded[0]), new(recorded[0]));
        Should.Throw<HandshakeException>(() => again.Receive(Parse(recorded[1]), new(recorded[1]))).Code.ShouldBe(RefusalCode.Authentication);
    }

    [Fact]
    public void A_proof_is_not_that_of_the_other_role()
    {
        byte[] hello = [1], welcome = [2];
        Proofs.OfOpener(Key, hello, welcome).ShouldNotBe(Proofs.OfAccepter(Key, hello, welcome, []));
        Proofs.Key("a secret of some length", "docs").ShouldNotBe(Proofs.Key("a secret of some length", "other"));
    }

    [Fact]
    public void The_secret_is_never_on_the_wire()
    {
        var (opener, accepter) = Halves(Terms(A), Terms(B), B);
        var wire = new List<byte>(opener.Hello);
        Talk(opener, accepter, wire.AddRange, wire.AddRange);
        Convert.ToHexString([.. wire]).ShouldNotContain(Convert.ToHexString("a secret of some length"u8));
        Convert.ToHexString([.. wire]).ShouldNotContain(Convert.ToHexString(Key));
    }

    [Fact]
    public void A_field_of_a_later_version_is_skipped()
    {
        var message = new HandshakeMessage(HandshakeKind.Proof).With((HandshakeField)77, [1, 2, 3]).With(HandshakeField.Proof, [9]);
        Parse(message.ToBytes()).Bytes(HandshakeField.Proof).ShouldBe([9]);
    }

    [Fact]
    public void However_a_message_is_split_it_is_read_once_it_is_whole()
    {
        var bytes = new OpenerHandshake(Terms(A), B.Node, Proofs.Nonce()).Hello;
        for (var cut = 0; cut < bytes.Length; cut++)
        {
            var part = Segments.Of([bytes[..(cut / 2)], bytes[(cut / 2)..cut]]);
            HandshakeMessage.TryRead(ref part, out _, out _).ShouldBeFalse();
            var whole = Segments.Of([bytes[..cut], bytes[cut..], [1, 2, 3]]);
            HandshakeMessage.TryRead(ref whole, out var message, out _).ShouldBeTrue();
            message.Text(HandshakeField.Node).ShouldBe("a");
            whole.Length.ShouldBe(3);
        }
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\n", "\"GET / H\", which is not")]
    [InlineData("X", "\"X\", which is not")]
    [InlineData("\u0016\u0003\u0001", "without TLS")]
    public void A_foreign_peer_is_known_by_its_first_bytes(string start, string said)
    {
        var buffer = new ReadOnlySequence<byte>(System.Text.Encoding.Latin1.GetBytes(start));
        Should.Throw<WireFormatException>(() => HandshakeMessage.TryRead(ref buffer, out _, out _)).Message.ShouldContain(said);
    }

    [Fact]
    public void Mutated_handshakes_are_refused_or_understood_but_nothing_else_happens()
    {
        var refused = 0;
        Check.One(
            Config.QuickThrowOnFailure.WithMaxTest(3000),
            Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
            {
                var chance = new Random(seed);
                var (opener, accepter) = Halves(Terms(A), Terms(B), B);
                byte[] Mutate(byte[] bytes)
                {
                    var mutant = bytes.ToArray();
                    for (var i = chance.Next(3); i > 0; i--)
                    {
                        mutant[chance.Next(4, mutant.Length)] = (byte)chance.Next(256);
                    }

                    return mutant;
                }

                try
                {
                    Talk(opener, accepter, mutate: Mutate);
                }
                catch (Exception e) when (e is WireFormatException or HandshakeException)
                {
                    refused++;
                    return;
                }

                // Whoever got in despite a change changed nothing of what both have signed.
                accepter.Opener.ShouldBe(A);
            }));
        refused.ShouldBeGreaterThan(500);
    }

    [Fact]
    public void A_hello_keeps_its_layout_for_ever()
    {
        // Nodes of every release must be able to refuse each other politely. Never change these bytes.
        var hello = new OpenerHandshake(Terms(A), B.Node, new byte[32]).Hello;
        Convert.ToHexString(hello).ShouldBe(
            "52414743" + "01" + "6F00"
            + "0108000100000000000000" + "0208000100000000000000" + "030400" + "646F6373" + "040100" + "61" + "0508000300000000000000"
            + "060E00" + "612E6578616D706C653A39333030" + "070100" + "62" + "0808000700000000000000" + "092000" + new string('0', 64));
    }

    private static HandshakeTerms Terms(Peer self) => new("docs", self, Key);

    private static (OpenerHandshake Opener, AccepterHandshake Accepter) Halves(
        HandshakeTerms opener, HandshakeTerms accepter, Peer? wanted, Func<Peer, (RefusalCode, string)?>? admit = null) =>
        (new OpenerHandshake(opener, wanted?.Node, Proofs.Nonce()), new AccepterHandshake(accepter, Proofs.Nonce(), admit ?? (_ => null)));

    private static void Talk(
        OpenerHandshake opener, AccepterHandshake accepter, Action<byte[]>? onReply = null, Action<byte[]>? onSend = null, Func<byte[], byte[]>? mutate = null)
    {
        mutate ??= bytes => bytes;
        var toAccepter = mutate(opener.Hello);
        while (true)
        {
            var reply = accepter.Receive(Parse(toAccepter), new(toAccepter));
            onReply?.Invoke(reply.Send!);
            var toOpener = mutate(reply.Send!);
            var step = opener.Receive(Parse(toOpener), new(toOpener));
            if (step.Done)
            {
                reply.Done.ShouldBeTrue();
                return;
            }

            onSend?.Invoke(step.Send!);
            toAccepter = mutate(step.Send!);
        }
    }

    private static HandshakeMessage Parse(byte[] bytes)
    {
        var buffer = new ReadOnlySequence<byte>(bytes);
        return HandshakeMessage.TryRead(ref buffer, out var message, out _) ? message : throw new WireFormatException("cut short");
    }
}
