using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RagCluster.Retrieval.Postings;

/// <summary>
/// Terms as bytes: every UTF-16 code unit by itself in the form of UTF-8, so that any string whatever comes back, and
/// bytes are ordered as the strings are ordinally.
/// </summary>
internal static class TermBytes
{
    public static int MostFor(int characters) => characters * 3;

    /// <summary>The number of bytes written.</summary>
    public static int Encode(ReadOnlySpan<char> term, Span<byte> target)
    {
        var at = 0;
        foreach (var c in term)
        {
            if (c < 0x80)
            {
                target[at++] = (byte)c;
            }
            else if (c < 0x800)
            {
                target[at++] = (byte)(0xC0 | (c >> 6));
                target[at++] = (byte)(0x80 | (c & 0x3F));
            }
            else
            {
                target[at++] = (byte)(0xE0 | (c >> 12));
                target[at++] = (byte)(0x80 | ((c >> 6) & 0x3F));
                target[at++] = (byte)(0x80 | (c & 0x3F));
            }
        }

        return at;
    }

    /// <summary>The string; null where the bytes are none that <see cref="Encode"/> makes.</summary>
    public static string? Decode(ReadOnlySpan<byte> bytes)
    {
        Span<char> characters = bytes.Length <= 256 ? stackalloc char[bytes.Length] : new char[bytes.Length];
        var (at, length) = (0, 0);
        while (at < bytes.Length)
        {
            var first = bytes[at];
            var size = first < 0x80 ? 1 : first is >= 0xC2 and < 0xE0 ? 2 : first is >= 0xE0 and < 0xF0 ? 3 : 0;
            if (size == 0 || at + size > bytes.Length || (size > 1 && (bytes[at + 1] & 0xC0) != 0x80) || (size > 2 && (bytes[at + 2] & 0xC0) != 0x80))
            {
                return null;
            }

            var c = size switch
            {
                1 => first,
                2 => ((first & 0x1F) << 6) | (bytes[at + 1] & 0x3F),
                _ => ((first & 0x0F) << 12) | ((bytes[at + 1] & 0x3F) << 6) | (bytes[at + 2] & 0x3F),
            };
            if (size == 3 && c < 0x800)
            {
                return null;
            }

            characters[length++] = (char)c;
            at += size;
        }

        return new string(characters[..length]);
    }

    /// <summary>The same in every process.</summary>
    public static uint HashOf(ReadOnlySpan<byte> bytes)
    {
        var hash = 0x9E3779B97F4A7C15UL ^ (ulong)bytes.Length;
        while (bytes.Length >= 8)
        {
            hash = Mix(hash ^ Unsafe.ReadUnaligned<ulong>(ref MemoryMarshal.GetReference(bytes)));
            bytes = bytes[8..];
        }

        var rest = 0UL;
        for (var i = 0; i < bytes.Length; i++)
        {
            rest |= (ulong)bytes[i] << (8 * i);
        }

        hash = Mix(hash ^ rest);
        return (uint)(hash >> 32);
    }

    private static ulong Mix(ulong x)
    {
        x *= 0xBF58476D1CE4E5B9UL;
        return x ^ (x >> 29);
    }
}
