namespace RagCluster.Ingestion.Pdf.Filters;

/// <summary>LZW with codes of 9 to 12 bits (ISO 32000-1, 7.4.4).</summary>
internal static class Lzw
{
    private const int Clear = 256;
    private const int EndOfData = 257;

    /// <param name="early">1 where code lengths grow one code early (the default), else 0.</param>
    public static byte[] Decode(ReadOnlySpan<byte> data, int early, long limit, out bool truncated)
    {
        truncated = false;
        var output = new MemoryStream();
        // Each entry is an earlier entry and one byte more.
        var prefix = new int[4097];
        var suffix = new byte[4097];
        var length = new int[4097];
        for (var i = 0; i < 256; i++)
        {
            (prefix[i], suffix[i], length[i]) = (-1, (byte)i, 1);
        }

        var next = 258;
        var width = 9;
        var previous = -1;
        var bits = 0;
        var held = 0;
        Span<byte> sequence = new byte[4098];
        foreach (var b in data)
        {
            bits = (bits << 8 | b) & 0xffffff;
            held += 8;
            if (held < width)
            {
                continue;
            }

            held -= width;
            var code = bits >> held & ((1 << width) - 1);
            if (code == EndOfData)
            {
                break;
            }

            if (code == Clear)
            {
                (next, width, previous) = (258, 9, -1);
                continue;
            }

            if (code > next || code == next && previous < 0)
            {
                break;
            }

            var source = code < next ? code : previous;
            var size = length[source];
            for (int at = source, i = size - 1; i >= 0; i--, at = prefix[at])
            {
                sequence[i] = suffix[at];
            }

            if (code == next)
            {
                sequence[size++] = sequence[0];
            }

            output.Write(sequence[..size]);
            if (previous >= 0 && next < 4096)
            {
                (prefix[next], suffix[next], length[next]) = (previous, sequence[0], length[previous] + 1);
                next++;
            }

            width = next + early >= 2048 ? 12 : next + early >= 1024 ? 11 : next + early >= 512 ? 10 : 9;
            previous = code;
            if (output.Length > limit)
            {
                truncated = true;
                break;
            }
        }

        return output.ToArray();
    }
}
