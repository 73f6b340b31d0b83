using System.Security.Cryptography;
using System.Text;

namespace RagCluster.Kernel.Transport.Handshakes;

/// <summary>
/// Both ends show that they know the cluster's secret, and neither sends it: each signs what both have said so far,
/// nonces included, so that nothing can be replayed or reflected.
/// </summary>
/// <remarks>
/// This keeps strangers out. It does not hide or sign the messages that follow: on a network where others can read or
/// change packets, use TLS.
/// </remarks>
internal static class Proofs
{
    public const int NonceBytes = 32;

    /// <summary>An attacker who is dialled gets one signed transcript to guess at; short secrets would fall.</summary>
    public const int LeastSecretLength = 16;

    /// <summary>32 bytes; of another cluster's name another key.</summary>
    public static byte[] Key(string secret, string cluster) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), 32, salt: [], info: Encoding.UTF8.GetBytes("ragcluster transport 1 " + cluster));

    public static byte[] Nonce() => RandomNumberGenerator.GetBytes(NonceBytes);

    public static byte[] OfOpener(byte[] key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> welcome) =>
        Sign(key, "opener", hello, welcome, []);

    public static byte[] OfAccepter(byte[] key, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> welcome, ReadOnlySpan<byte> identity) =>
        Sign(key, "accepter", hello, welcome, identity);

    public static bool Equal(byte[]? given, byte[] expected) => given is not null && CryptographicOperations.FixedTimeEquals(given, expected);

    private static byte[] Sign(byte[] key, string role, ReadOnlySpan<byte> hello, ReadOnlySpan<byte> welcome, ReadOnlySpan<byte> identity)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        Append(hmac, Encoding.UTF8.GetBytes(role));
        Append(hmac, hello);
        Append(hmac, welcome);
        Append(hmac, identity);
        return hmac.GetHashAndReset();
    }

    /// <summary>With its length before it, so that no two different lists of parts look alike.</summary>
    private static void Append(IncrementalHash hmac, ReadOnlySpan<byte> part)
    {
        hmac.AppendData(BitConverter.GetBytes((long)part.Length));
        hmac.AppendData(part);
    }
}
