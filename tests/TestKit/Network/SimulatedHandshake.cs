using System.Buffers;
using RagCluster.Kernel.Transport;
using RagCluster.Kernel.Transport.Handshakes;

namespace RagCluster.TestKit;

/// <summary>The production handshake between two simulated ends, at one moment of their time.</summary>
internal static class SimulatedHandshake
{
    /// <summary>What each end takes the link's version to be; null if there is none, and why.</summary>
    /// <param name="admit">As the accepter's, for an opener that has proved itself.</param>
    public static (int Opener, int Accepter)? Try(
        SimulatedTransport opener, SimulatedTransport accepter, Peer wanted, Random random, Func<Peer, (RefusalCode Code, string Text)?> admit, out string? refusal)
    {
        var ours = new OpenerHandshake(Terms(opener), wanted.Node, Nonce(random));
        var theirs = new AccepterHandshake(Terms(accepter), Nonce(random), admit);
        try
        {
            for (var said = ours.Hello; ;)
            {
                var answer = theirs.Receive(Read(said, out var bytes), bytes).Send!;
                var next = ours.Receive(Read(answer, out bytes), bytes);
                if (next.Done)
                {
                    refusal = null;
                    return (ours.Version, theirs.Version);
                }

                said = next.Send!;
            }
        }
        catch (HandshakeException e)
        {
            refusal = e.Message;
            return null;
        }
    }

    private static HandshakeTerms Terms(SimulatedTransport end) => new("simulated", end.Self, null, HandshakeTerms.Version, end.Release.NewestVersion);

    private static byte[] Nonce(Random random)
    {
        var nonce = new byte[Proofs.NonceBytes];
        random.NextBytes(nonce);
        return nonce;
    }

    private static HandshakeMessage Read(byte[] said, out ReadOnlySequence<byte> bytes)
    {
        var buffer = new ReadOnlySequence<byte>(said);
        return HandshakeMessage.TryRead(ref buffer, out var message, out bytes) ? message : throw new InvalidOperationException("A message of the handshake is cut short.");
    }
}
