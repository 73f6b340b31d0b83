using System.Buffers;
using System.Security.Cryptography;

namespace RagCluster.Kernel.Blobs;

/// <summary>The names of blobs.</summary>
public static class BlobIds
{
    private const string Prefix = "sha256-";
    private const int Length = 7 + 64;
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789abcdef");

    public static string Of(ReadOnlySpan<byte> content) => OfHash(SHA256.HashData(content));

    internal static string OfHash(ReadOnlySpan<byte> sha256) => Prefix + Convert.ToHexStringLower(sha256);

    /// <summary>Whether it is such a name; one that is may safely be part of a path.</summary>
    public static bool IsValid(string id) =>
        id is { Length: Length } && id.StartsWith(Prefix, StringComparison.Ordinal) && !id.AsSpan(Prefix.Length).ContainsAnyExcept(Digits);

    internal static string Checked(string id) => IsValid(id)
        ? id
        : throw new ArgumentException($"A blob's id is \"sha256-\" and 64 hexadecimal digits in lower case, not \"{id}\".", nameof(id));
}
