using System.Buffers;
using System.Text;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Transport.Handshakes;

/// <summary>What one end brings to its handshakes.</summary>
/// <param name="Key">From the shared secret; null: certificates alone decide.</param>
internal sealed record HandshakeTerms(string Cluster, Peer Self, byte[]? Key, int OldestVersion = HandshakeTerms.Version, int NewestVersion = HandshakeTerms.Version)
{
    /// <summary>Of the frames and what they mean. A release that changes them speaks both for one release.</summary>
    public const int Version = 1;
}

/// <summary>The handshake came to nothing.</summary>
internal sealed class HandshakeException(RefusalCode code, string message) : Exception(message)
{
    public RefusalCode Code => code;
}

/// <summary>What to do after a message: write something, and perhaps be done.</summary>
internal readonly record struct HandshakeStep(byte[]? Send, bool Done);

/// <summary>The opener's side. Knows no sockets: bytes in, bytes out.</summary>
internal sealed class OpenerHandshake
{
    private readonly HandshakeTerms _terms;
    private readonly NodeIncarnation? _wanted;
    private readonly byte[] _hello;
    private byte[]? _welcome;

    /// <param name="wanted">Null: whoever is there; both ends close afterwards.</param>
    public OpenerHandshake(HandshakeTerms terms, NodeIncarnation? wanted, byte[] nonce)
    {
        (_terms, _wanted) = (terms, wanted);
        var hello = new HandshakeMessage(HandshakeKind.Hello)
            .With(HandshakeField.OldestVersion, terms.OldestVersion)
            .With(HandshakeField.NewestVersion, terms.NewestVersion)
            .With(HandshakeField.Cluster, terms.Cluster)
            .With(HandshakeField.Node, terms.Self.Node.Node)
            .With(HandshakeField.Incarnation, terms.Self.Node.Incarnation)
            .With(HandshakeField.Address, terms.Self.Address)
            .With(HandshakeField.Nonce, nonce);
        if (wanted is { } node)
        {
            hello.With(HandshakeField.WantedNode, node.Node).With(HandshakeField.WantedIncarnation, node.Incarnation);
        }

        _hello = hello.ToBytes();
    }

    public byte[] Hello => _hello;

    /// <summary>Who is there, once it is proved.</summary>
    public NodeIncarnation Found { get; private set; }

    /// <summary>Of the frames that follow.</summary>
    public int Version { get; private set; }

    /// <exception cref="HandshakeException">The other end refuses, or is not who is wanted.</exception>
    public HandshakeStep Receive(HandshakeMessage message, ReadOnlySequence<byte> bytes)
    {
        switch (message.Kind)
        {
            case HandshakeKind.Refusal:
                var code = message.Bytes(HandshakeField.RefusalCode) is [var number] ? (RefusalCode)number : RefusalCode.Malformed;
                throw new HandshakeException(code, $"it refused: {message.Text(HandshakeField.RefusalText)}");
            case HandshakeKind.Welcome when _welcome is null:
                _welcome = bytes.ToArray();
                Version = CheckVersion(message);
                var proof = new HandshakeMessage(HandshakeKind.Proof);
                return new(_terms.Key is { } key ? proof.With(HandshakeField.Proof, Proofs.OfOpener(key, _hello, _welcome)).ToBytes() : proof.ToBytes(), false);
            case HandshakeKind.Accept when _welcome is not null:
                var peer = new NodeIncarnation(message.Text(HandshakeField.Node), message.Number(HandshakeField.Incarnation));
                if (_terms.Key is { } secret && !Proofs.Equal(message.Bytes(HandshakeField.Proof), Proofs.OfAccepter(secret, _hello, _welcome, Identity(peer))))
                {
                    throw new HandshakeException(RefusalCode.Authentication, "it does not know the cluster's secret.");
                }

                Found = peer;
                return _wanted is null || peer == _wanted ? new(null, true) : throw new HandshakeException(RefusalCode.NotThePeer, $"{peer} is at the address.");
            default:
                throw new Frames.WireFormatException($"a {message.Kind} out of turn");
        }
    }

    /// <summary>What the accepter signs of itself.</summary>
    internal static byte[] Identity(NodeIncarnation node) => Encoding.UTF8.GetBytes($"{node.Incarnation} {node.Node}");

    private int CheckVersion(HandshakeMessage welcome)
    {
        var version = welcome.Number(HandshakeField.NewestVersion);
        return version >= _terms.OldestVersion && version <= _terms.NewestVersion
            ? (int)version
            : throw new HandshakeException(RefusalCode.Version, $"it chose version {version} of the protocol; offered were {_terms.OldestVersion} to {_terms.NewestVersion}.");
    }
}

/// <summary>The accepter's side.</summary>
/// <param name="admit">Asked once the opener has proved itself; null: it may come in.</param>
internal sealed class AccepterHandshake(HandshakeTerms terms, byte[] nonce, Func<Peer, (RefusalCode Code, string Text)?> admit)
{
    private byte[]? _hello;
    private byte[]? _welcome;

    /// <summary>Who opened the link, as it says; believed only once the handshake is done.</summary>
    public Peer? Opener { get; private set; }

    /// <summary>Null: the opener only asks who is here.</summary>
    public NodeIncarnation? Wanted { get; private set; }

    public int Version { get; private set; }

    /// <exception cref="HandshakeException">To be sent to the opener as a refusal.</exception>
    public HandshakeStep Receive(HandshakeMessage message, ReadOnlySequence<byte> bytes) => message.Kind switch
    {
        HandshakeKind.Hello when _hello is null => Hello(message, bytes),
        HandshakeKind.Proof when _welcome is not null => Proof(message),
        _ => throw new Frames.WireFormatException($"a {message.Kind} out of turn"),
    };

    public static byte[] Refusal(RefusalCode code, string text) =>
        new HandshakeMessage(HandshakeKind.Refusal)
            .With(HandshakeField.RefusalCode, [(byte)code])
            .With(HandshakeField.RefusalText, text.Length > 120 ? text[..120] : text)
            .ToBytes();

    private HandshakeStep Hello(HandshakeMessage message, ReadOnlySequence<byte> bytes)
    {
        _hello = bytes.ToArray();
        var (oldest, newest) = (message.Number(HandshakeField.OldestVersion), message.Number(HandshakeField.NewestVersion));
        var version = Math.Min(newest, terms.NewestVersion);
        if (version < oldest || version < terms.OldestVersion)
        {
            throw new HandshakeException(RefusalCode.Version, $"no common version: {oldest} to {newest} against {terms.OldestVersion} to {terms.NewestVersion}.");
        }

        Version = (int)version;
        var cluster = message.Text(HandshakeField.Cluster);
        Opener = new Peer(new NodeIncarnation(message.Text(HandshakeField.Node), message.Number(HandshakeField.Incarnation)), message.Text(HandshakeField.Address));
        Wanted = message.Bytes(HandshakeField.WantedNode) is null ? null : new NodeIncarnation(message.Text(HandshakeField.WantedNode), message.Number(HandshakeField.WantedIncarnation));
        if (cluster != terms.Cluster)
        {
            throw new HandshakeException(RefusalCode.Cluster, $"this is not cluster \"{(cluster.Length > 40 ? cluster[..40] : cluster)}\".");
        }

        if (message.Bytes(HandshakeField.Nonce) is not { Length: Proofs.NonceBytes })
        {
            throw new Frames.WireFormatException("a Hello without a nonce");
        }

        _welcome = new HandshakeMessage(HandshakeKind.Welcome).With(HandshakeField.NewestVersion, version).With(HandshakeField.Nonce, nonce).ToBytes();
        return new(_welcome, false);
    }

    private HandshakeStep Proof(HandshakeMessage message)
    {
        var proof = message.Bytes(HandshakeField.Proof);
        if (terms.Key is { } key && !Proofs.Equal(proof, Proofs.OfOpener(key, _hello, _welcome)))
        {
            throw new HandshakeException(RefusalCode.Authentication, proof is null ? "the cluster has a secret, none was shown." : "the cluster's secret is another one.");
        }

        var self = terms.Self.Node;
        (RefusalCode, string)? refusal = Wanted is null ? null
            : Opener!.Value.Node == self ? (RefusalCode.OwnAddress, "it is this node itself.")
            : Wanted != self ? (RefusalCode.NotThePeer, $"{self} is at the address.")
            : admit(Opener!.Value);
        if (refusal is var (code, text))
        {
            throw new HandshakeException(code, text);
        }

        var accept = new HandshakeMessage(HandshakeKind.Accept).With(HandshakeField.Node, self.Node).With(HandshakeField.Incarnation, self.Incarnation);
        if (terms.Key is { } secret)
        {
            accept.With(HandshakeField.Proof, Proofs.OfAccepter(secret, _hello, _welcome, OpenerHandshake.Identity(self)));
        }

        return new(accept.ToBytes(), true);
    }
}
