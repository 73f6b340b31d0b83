using RagCluster.Kernel.Transport.Handshakes;

namespace RagCluster.TestKit;

/// <summary>A node's release, as far as its peers can tell: during a rolling upgrade two of them talk to each other.</summary>
public sealed class WireRelease
{
    private const byte Ask = 1;
    private const byte Reply = 2;
    private const byte Committed = 13;
    private const byte Mask = 0xA5;

    private readonly bool _isLater;

    private WireRelease(bool isLater) => _isLater = isLater;

    public static WireRelease Present { get; } = new(isLater: false);

    /// <summary>
    /// One that may come, made by the rules that are set for it: it speaks the present version of the frames and one more,
    /// which nobody else can read; puts a field more at the end of every header and a property more into commands and
    /// replies; and says things of a kind that is not known yet.
    /// </summary>
    public static WireRelease Later { get; } = new(isLater: true);

    internal int NewestVersion => HandshakeTerms.Version + (_isLater ? 1 : 0);

    /// <summary>The JSON object with a property more, as a later release may write it.</summary>
    public static byte[] Add(ReadOnlySpan<byte> json) => json is [.., (byte)'}'] ? [.. json[..^1], .. Property(json), (byte)'}'] : json.ToArray();

    public override string ToString() => _isLater ? "a later release" : "the present release";

    /// <summary>The message as this release writes it. Nothing but what nodes of a cluster say has such headers.</summary>
    internal byte[] Dress(byte[] message)
    {
        if (!_isLater)
        {
            return message;
        }

        var header = message[1] | (message[2] << 8);
        var payload = message.AsSpan(3 + header);
        header += 2;
        return
        [
            message[0], (byte)header, (byte)(header >> 8), .. message.AsSpan(3, header - 2), 0x81, 0x01,
            .. message[0] is Ask or Reply ? Add(payload) : payload,
        ];
    }

    /// <summary>What this release says as well, of a kind that others do not know; null for nothing.</summary>
    internal byte[]? Beside(byte[] message) => _isLater && message[0] == Committed ? [200, 1, 0, 7, 1, 2, 3] : null;

    /// <summary>The bytes on the wire by the version that the sender takes the link to have.</summary>
    internal static byte[] Frame(byte[] message, int version) => version == HandshakeTerms.Version ? message : Masked(message);

    /// <summary>The message out of the bytes, by the version that the receiver takes the link to have.</summary>
    internal static byte[] Unframe(byte[] bytes, int version) => version == HandshakeTerms.Version ? bytes.ToArray() : Masked(bytes);

    private static byte[] Masked(byte[] bytes) => Array.ConvertAll(bytes, b => (byte)(b ^ Mask));

    private static ReadOnlySpan<byte> Property(ReadOnlySpan<byte> json) =>
        json.Length > 2 ? ",\"addedLater\":{\"x\":1}"u8 : "\"addedLater\":{\"x\":1}"u8;
}
