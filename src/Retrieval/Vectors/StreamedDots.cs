using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RagCluster.Retrieval.Vectors;

/// <summary>
/// Dot products of rows of bytes that follow each other, and queries in bytes, by VPMADDUBSW: twice as many products an
/// instruction as <see cref="CodeDots"/> has, for which a query's codes are coarser, so that sums fit 16 bits. A scan
/// with one query waits for memory alone then; with eight at once it is the arithmetic that takes the time.
/// </summary>
/// <remarks>
/// Rows are read as unsigned, 128 too high; corrections, -128 times the sum of a query's codes, put that right.
/// VPDPBUSD, which would add up in 32 bits by itself, is not reachable: .NET offers it for processors that have it
/// with AVX (AvxVnni), and not for those that have it with AVX-512 alone; it would not be faster here, either.
/// Memory is fetched ahead a line at a time between the loads. In bursts the processor's few buffers for lines
/// under way fill up, and loads wait behind them: measured, 1.6 instead of 1.3 ms for 38 MB.
/// </remarks>
internal static unsafe class StreamedDots
{
    /// <summary>Queries that <see cref="Eight"/> takes at once.</summary>
    public const int Batch = 8;

    /// <summary>Codes added up in 16 bits before they are widened: the query's codes are scaled for it.</summary>
    public const int Run = 384;

    /// <summary>
    /// Lanes that are added up in 16 bits may reach 32,767, and a code of a row, seen as unsigned, 255: the magnitudes of
    /// a query's codes that meet in one lane within a <see cref="Run"/> sum up to at most this.
    /// </summary>
    public const int LaneBudget = 128;

    private const int Ahead = 8192;
    private const byte Sign = 0x80;

    /// <summary>Whether this machine has the instructions.</summary>
    public static bool IsSupported => Avx512BW.IsSupported;

    /// <summary>Rows that follow each other, and one query. <paramref name="count"/> is a multiple of four.</summary>
    /// <param name="passing">The rows are more than caches hold, and are not to push out what is there.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void One(sbyte* rows, int count, int stride, sbyte* query, int correction, int* dots, bool passing)
    {
        var sign = Vector512.Create(Sign);
        var start = Vector128.Create(correction);
        for (var r = 0; r < count; r += 4)
        {
            var row0 = (byte*)rows + ((nint)r * stride);
            var row1 = row0 + stride;
            var row2 = row1 + stride;
            var row3 = row2 + stride;
            var sums = start;
            for (var run = 0; run < stride; run += Run)
            {
                var (a, b, c, d) = (Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero);
                var end = Math.Min(stride, run + Run);
                for (var i = run; i < end; i += 64)
                {
                    var ahead = row0 + Ahead + (4 * i);
                    Fetch(ahead, passing);
                    Fetch(ahead + 64, passing);
                    Fetch(ahead + 128, passing);
                    Fetch(ahead + 192, passing);
                    var q = Vector512.Load(query + i);
                    a += Avx512BW.MultiplyAddAdjacent(Vector512.Load(row0 + i) ^ sign, q);
                    b += Avx512BW.MultiplyAddAdjacent(Vector512.Load(row1 + i) ^ sign, q);
                    c += Avx512BW.MultiplyAddAdjacent(Vector512.Load(row2 + i) ^ sign, q);
                    d += Avx512BW.MultiplyAddAdjacent(Vector512.Load(row3 + i) ^ sign, q);
                }

                var four = Quarters(Wide(a), Wide(b), Wide(c), Wide(d));
                var half = four.GetLower() + four.GetUpper();
                sums += half.GetLower() + half.GetUpper();
            }

            sums.Store(dots + r);
        }
    }

    /// <summary>
    /// Rows that follow each other, and <see cref="Batch"/> queries, one after the other; the dots of a row stand
    /// together. <paramref name="count"/> is even.
    /// </summary>
    /// <param name="passing">The rows are more than caches hold, and are not to push out what is there.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Eight(sbyte* rows, int count, int stride, sbyte* queries, int* corrections, int* dots, bool passing)
    {
        var sign = Vector512.Create(Sign);
        var start = Vector512.Create(Vector256.Load(corrections), Vector256.Load(corrections));
        for (var r = 0; r < count; r += 2)
        {
            var row0 = (byte*)rows + ((nint)r * stride);
            var row1 = row0 + stride;
            var to = dots + (r * Batch);
            for (var run = 0; run < stride; run += Run)
            {
                var zero = Vector512<short>.Zero;
                var (a0, a1, a2, a3, a4, a5, a6, a7) = (zero, zero, zero, zero, zero, zero, zero, zero);
                var (b0, b1, b2, b3, b4, b5, b6, b7) = (zero, zero, zero, zero, zero, zero, zero, zero);
                var end = Math.Min(stride, run + Run);
                for (var i = run; i < end; i += 64)
                {
                    var ahead = row0 + Ahead + (2 * i);
                    Fetch(ahead, passing);
                    Fetch(ahead + 64, passing);
                    var (x, y) = (Vector512.Load(row0 + i) ^ sign, Vector512.Load(row1 + i) ^ sign);
                    var query = queries + i;
                    var q = Vector512.Load(query);
                    (a0, b0) = (a0 + Avx512BW.MultiplyAddAdjacent(x, q), b0 + Avx512BW.MultiplyAddAdjacent(y, q));
                    q = Vector512.Load(query += stride);
                    (a1, b1) = (a1 + Avx512BW.MultiplyAddAdjacent(x, q), b1 + Avx512BW.MultiplyAddAdjacent(y, q));
                    q = Vector512.Load(query += stride);
                    (a2, b2) = (a2 + Avx512BW.MultiplyAddAdjacent(x, q), b2 + Avx512BW.MultiplyAddAdjacent(y, q));
                    q = Vector512.Load(query += stride);
                    (a3, b3) = (a3 + Avx512BW.MultiplyAddAdjacent(x, q), b3 + Avx512BW.MultiplyAddAdjacent(y, q));
                    q = Vector512.Load(query += stride);
                    (a4, b4) = (a4 + Avx512BW.MultiplyAddAdjacent(x, q), b4 + Avx512BW.MultiplyAddAdjacent(y, q));
                    q = Vector512.Load(query += stride);
                    (a5, b5) = (a5 + Avx512BW.MultiplyAddAdjacent(x, q), b5 + Avx512BW.MultiplyAddAdjacent(y, q));
                    q = Vector512.Load(query += stride);
                    (a6, b6) = (a6 + Avx512BW.MultiplyAddAdjacent(x, q), b6 + Avx512BW.MultiplyAddAdjacent(y, q));
                    q = Vector512.Load(query += stride);
                    (a7, b7) = (a7 + Avx512BW.MultiplyAddAdjacent(x, q), b7 + Avx512BW.MultiplyAddAdjacent(y, q));
                }

                // The first run starts from the corrections, the others from what there is.
                var sums = Sixteen(
                    Quarters(Wide(a0), Wide(a1), Wide(a2), Wide(a3)), Quarters(Wide(a4), Wide(a5), Wide(a6), Wide(a7)),
                    Quarters(Wide(b0), Wide(b1), Wide(b2), Wide(b3)), Quarters(Wide(b4), Wide(b5), Wide(b6), Wide(b7)));
                (sums + (run == 0 ? start : Vector512.Load(to))).Store(to);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* at, bool passing)
    {
        if (passing)
        {
            Sse.PrefetchNonTemporal(at);
        }
        else
        {
            Sse.Prefetch0(at);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Wide(Vector512<short> sums) => Avx512BW.MultiplyAddAdjacent(sums, Vector512<short>.One);

    /// <summary>In each quarter what remains to be added up of the four, in order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Quarters(Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d)
    {
        var ab = (Avx512F.UnpackLow(a, b) + Avx512F.UnpackHigh(a, b)).AsInt64();
        var cd = (Avx512F.UnpackLow(c, d) + Avx512F.UnpackHigh(c, d)).AsInt64();
        return Avx512F.UnpackLow(ab, cd).AsInt32() + Avx512F.UnpackHigh(ab, cd).AsInt32();
    }

    /// <summary>The sums of four times four whose quarters remain to be added up.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> Sixteen(Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d)
    {
        var ab = Avx512F.Shuffle4x128(a, b, 0b01_00_01_00) + Avx512F.Shuffle4x128(a, b, 0b11_10_11_10);
        var cd = Avx512F.Shuffle4x128(c, d, 0b01_00_01_00) + Avx512F.Shuffle4x128(c, d, 0b11_10_11_10);
        return Avx512F.Shuffle4x128(ab, cd, 0b10_00_10_00) + Avx512F.Shuffle4x128(ab, cd, 0b11_01_11_01);
    }
}
