using System.Text;

namespace RagCluster.InferenceStandIn;

/// <summary>Texts and vectors that depend on what was asked and on nothing else.</summary>
internal static class Words
{
    private static readonly string[] s_words =
        "the policy premium grace period days cover benefit rider insured amount annual review claim holder value fund term paid date contract return state rate income loan cash age health plan year tax".Split(' ');

    private static readonly byte[][] s_components = [.. Enumerable.Range(-1000, 2001).Select(i => Encoding.ASCII.GetBytes((i / 1000.0).ToString("0.###", System.Globalization.CultureInfo.InvariantCulture)))];

    public static int Tokens(string text) => Math.Max(1, (text.Length + 3) / 4);

    public static ulong Hash(ReadOnlySpan<char> text)
    {
        var hash = 14695981039346656037UL;
        foreach (var c in text)
        {
            hash = (hash ^ c) * 1099511628211UL;
        }

        return hash;
    }

    /// <summary>An answer's tokens: words, and a citation of the first source.</summary>
    public static string Token(ulong seed, int index, int count)
    {
        if (index == count - 1)
        {
            return "[1].";
        }

        var mixed = (seed + ((ulong)index * 0x9E3779B97F4A7C15UL)) * 0xff51afd7ed558ccdUL;
        return s_words[(int)((mixed >> 33) % (ulong)s_words.Length)] + " ";
    }

    /// <summary>A bag of hashed words of length 1, each component in thousandths, written as a JSON array.</summary>
    public static void WriteVector(string text, int dimensions, System.Buffers.IBufferWriter<byte> output)
    {
        Span<int> counts = dimensions <= 4096 ? stackalloc int[dimensions] : new int[dimensions];
        counts.Clear();
        counts[0] = 1;
        foreach (var range in text.AsSpan().Split(' '))
        {
            var word = text.AsSpan()[range];
            if (!word.IsEmpty)
            {
                var hash = Hash(word);
                counts[(int)((hash >> 1) % (ulong)dimensions)] += (hash & 1) == 0 ? 1 : -1;
            }
        }

        long sum = 0;
        foreach (var count in counts)
        {
            sum += (long)count * count;
        }

        var scale = 1000 / Math.Sqrt(Math.Max(1, sum));
        output.Write("["u8);
        for (var i = 0; i < dimensions; i++)
        {
            if (i > 0)
            {
                output.Write(","u8);
            }

            output.Write(s_components[(int)(counts[i] * scale) + 1000]);
        }

        output.Write("]"u8);
    }

    private static void Write(this System.Buffers.IBufferWriter<byte> output, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(output.GetSpan(bytes.Length));
        output.Advance(bytes.Length);
    }
}
