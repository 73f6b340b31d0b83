namespace RagCluster.Ingestion.Pdf.Filters;

/// <summary>ASCII85, ASCIIHex and run lengths (ISO 32000-1, 7.4.2, 7.4.3, 7.4.5).</summary>
internal static class AsciiFilters
{
    public static byte[] Hex(ReadOnlySpan<byte> text)
    {
        var bytes = new List<byte>(text.Length / 2);
        var half = -1;
        foreach (var c in text)
        {
            if (c == '>')
            {
                break;
            }

            var digit = c switch
            {
                >= (byte)'0' and <= (byte)'9' => c - '0',
                >= (byte)'a' and <= (byte)'f' => c - 'a' + 10,
                >= (byte)'A' and <= (byte)'F' => c - 'A' + 10,
                _ => -1,
            };
            if (digit < 0)
            {
                continue;
            }

            if (half < 0)
            {
                half = digit;
            }
            else
            {
                bytes.Add((byte)(half * 16 + digit));
                half = -1;
            }
        }

        if (half >= 0)
        {
            bytes.Add((byte)(half * 16));
        }

        return [.. bytes];
    }

    public static byte[] Ascii85(ReadOnlySpan<byte> text)
    {
        var bytes = new List<byte>(text.Length * 4 / 5);
        var group = 0UL;
        var count = 0;
        foreach (var c in text)
        {
            if (c == '~')
            {
                break;
            }

            if (c == 'z' && count == 0)
            {
                bytes.AddRange([0, 0, 0, 0]);
            }
            else if (c is >= (byte)'!' and <= (byte)'u')
            {
                group = group * 85 + (ulong)(c - '!');
                if (++count == 5)
                {
                    Add(bytes, group, 4);
                    (group, count) = (0, 0);
                }
            }
        }

        if (count > 1)
        {
            for (var i = count; i < 5; i++)
            {
                group = group * 85 + 84;
            }

            Add(bytes, group, count - 1);
        }

        return [.. bytes];
    }

    public static byte[] RunLength(ReadOnlySpan<byte> data, long limit, out bool truncated)
    {
        truncated = false;
        var bytes = new List<byte>();
        for (var at = 0; at < data.Length && data[at] != 128;)
        {
            var length = data[at++];
            if (length < 128)
            {
                var take = Math.Min(length + 1, data.Length - at);
                bytes.AddRange(data.Slice(at, take));
                at += take;
            }
            else if (at < data.Length)
            {
                bytes.AddRange(Enumerable.Repeat(data[at++], 257 - length));
            }

            if (bytes.Count > limit)
            {
                truncated = true;
                break;
            }
        }

        return [.. bytes];
    }

    private static void Add(List<byte> bytes, ulong group, int count)
    {
        for (var i = 0; i < count; i++)
        {
            bytes.Add((byte)(group >> (24 - 8 * i)));
        }
    }
}
