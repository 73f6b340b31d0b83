using System.Text;

namespace RagCluster.Kernel.Discovery.Dns;

/// <summary>Names as DNS writes them (RFC 1035): labels of at most 63 bytes, 255 bytes in all, compressed by pointers backwards.</summary>
internal static class DnsName
{
    private const int MaxLabel = 63;
    private const int MaxName = 255;

    /// <summary>Letters, digits, hyphens and underscores in labels; a dot at the end means that nothing is to be appended.</summary>
    public static bool IsValid(string name)
    {
        var bare = name.EndsWith('.') ? name[..^1] : name;
        return bare.Length is > 0 and < MaxName - 1
            && Array.TrueForAll(bare.Split('.'), label => label.Length is > 0 and <= MaxLabel && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));
    }

    public static void Write(string name, List<byte> output)
    {
        foreach (var label in name.TrimEnd('.').Split('.'))
        {
            output.Add((byte)label.Length);
            output.AddRange(Encoding.ASCII.GetBytes(label));
        }

        output.Add(0);
    }

    /// <summary>The name at a position, in lower case and without its last dot; the position moves behind it.</summary>
    /// <exception cref="DnsFormatException">It leaves the message, goes in circles or is too long.</exception>
    public static string Read(ReadOnlySpan<byte> message, ref int position)
    {
        var name = new StringBuilder();
        var at = position;
        var end = -1;
        var limit = message.Length;
        while (true)
        {
            var length = Byte(message, at++);
            if (length == 0)
            {
                position = end < 0 ? at : end;
                return name.ToString();
            }

            if (length >= 0xC0)
            {
                var target = ((length & 0x3F) << 8) | Byte(message, at++);
                end = end < 0 ? at : end;

                // Backwards only, each time further than the last: that ends, whatever the message says.
                if (target >= limit || target >= at - 2)
                {
                    throw new DnsFormatException("a name that points forward");
                }

                limit = at = target;
                continue;
            }

            if (length > MaxLabel || at + length > message.Length || name.Length + length + 1 > MaxName)
            {
                throw new DnsFormatException("a name that is too long or cut off");
            }

            if (name.Length > 0)
            {
                name.Append('.');
            }

            foreach (var b in message.Slice(at, length))
            {
                var c = char.ToLowerInvariant((char)b);
                name.Append(char.IsAsciiLetterOrDigit(c) || c is '-' or '_' ? c : throw new DnsFormatException($"a name with byte {b}"));
            }

            at += length;
        }
    }

    private static int Byte(ReadOnlySpan<byte> message, int at) =>
        at < message.Length ? message[at] : throw new DnsFormatException("a name that is cut off");
}

/// <summary>An answer that is none.</summary>
internal sealed class DnsFormatException(string message) : Exception(message);

/// <summary>No server gave a usable answer.</summary>
internal sealed class DnsException(string message) : Exception(message);
