using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RagCluster.Retrieval.Postings;

/// <summary>
/// Whole numbers of one width, one after the other, the lowest bit first. Eight numbers of w bits fill w bytes exactly,
/// so every group of eight is unpacked by the same two byte shuffles and shifts.
/// </summary>
internal static class BitPacking
{
    /// <summary>So many bytes behind packed numbers are read, and must be there; what they hold does not matter.</summary>
    public const int Overrun = 32;

    /// <summary>Beyond this width four numbers and the bits before them do not fit the 16 bytes that a shuffle reads.</summary>
    public const int WidestShuffled = 25;

    private static readonly Vector256<byte>[] s_shuffles = [.. Enumerable.Range(0, WidestShuffled + 1).Select(Shuffle)];
    private static readonly Vector256<uint>[] s_shifts = [.. Enumerable.Range(0, WidestShuffled + 1).Select(Shift)];

    public static int WidthFor(uint greatest) => 32 - BitOperations.LeadingZeroCount(greatest);

    public static int BytesFor(int count, int width) => ((count * width) + 7) >> 3;

    /// <summary>Writes the numbers, each below 2^width; <paramref name="target"/> has room for <see cref="BytesFor"/>.</summary>
    public static void Pack(ReadOnlySpan<uint> values, int width, Span<byte> target)
    {
        var (bits, held, at) = (0UL, 0, 0);
        foreach (var value in values)
        {
            bits |= (ulong)value << held;
            held += width;
            while (held >= 8)
            {
                target[at++] = (byte)bits;
                bits >>= 8;
                held -= 8;
            }
        }

        if (held > 0)
        {
            target[at] = (byte)bits;
        }
    }

    /// <summary>Reads as many numbers as <paramref name="values"/> holds, a multiple of eight. <see cref="Overrun"/> bytes follow the packed ones.</summary>
    public static void Unpack(ref byte source, int width, Span<uint> values)
    {
        if (width == 0)
        {
            values.Clear();
        }
        else if (Avx2.IsSupported && width <= WidestShuffled)
        {
            UnpackShuffled(ref source, width, values);
        }
        else
        {
            UnpackPlainly(ref source, width, values);
        }
    }

    /// <summary>The same without vector instructions: for other processors, and to compare with.</summary>
    internal static void UnpackPlainly(ref byte source, int width, Span<uint> values)
    {
        var mask = uint.MaxValue >> (32 - width);
        for (var i = 0; i < values.Length; i++)
        {
            var bit = i * width;
            values[i] = (uint)(Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref source, bit >> 3)) >> (bit & 7)) & mask;
        }
    }

    private static void UnpackShuffled(ref byte source, int width, Span<uint> values)
    {
        var (shuffle, shift, mask) = (s_shuffles[width], s_shifts[width], Vector256.Create(uint.MaxValue >> (32 - width)));
        var upper = width >> 1;
        ref var target = ref MemoryMarshal.GetReference(values);
        for (var i = 0; i < values.Length; i += 8)
        {
            var bytes = Vector256.Create(Vector128.LoadUnsafe(ref source), Vector128.LoadUnsafe(ref source, (nuint)upper));
            var lanes = Avx2.ShiftRightLogicalVariable(Avx2.Shuffle(bytes, shuffle).AsUInt32(), shift) & mask;
            lanes.StoreUnsafe(ref target, (nuint)i);
            source = ref Unsafe.Add(ref source, width);
        }
    }

    /// <summary>Where the four bytes are that hold each number's bits: of numbers 0 to 3 from the first byte on, of 4 to 7 from the byte that number 4 begins in.</summary>
    private static Vector256<byte> Shuffle(int width)
    {
        var places = new byte[32];
        for (var i = 0; i < 8; i++)
        {
            var bit = Bit(i, width);
            for (var b = 0; b < 4; b++)
            {
                places[(i * 4) + b] = (byte)((bit >> 3) + b);
            }
        }

        return Vector256.Create<byte>(places);
    }

    private static Vector256<uint> Shift(int width) => Vector256.Create<uint>([.. Enumerable.Range(0, 8).Select(i => (uint)Bit(i, width) & 7)]);

    private static int Bit(int i, int width) => i < 4 ? i * width : (4 * width & 7) + ((i - 4) * width);
}
