using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RagCluster.Retrieval.Vectors;

/// <summary>
/// Dot products of rows of bytes and queries of 16 bits, as integers: exact, so equal on every machine. With AVX-512 by
/// widening and VPMADDWD; otherwise with what there is. All strides are multiples of <see cref="Lanes"/> bytes, rows are
/// padded with zeros.
/// </summary>
/// <remarks>
/// The methods are compiled fully at their first call: the runtime would otherwise run them unoptimised for some thirty
/// calls, each of which is a scan of millions of numbers. Memory is fetched ahead by hand: the processor's own prefetch
/// stops at each page of 4 KiB, and a scan with it reads a third of what the memory could give (16 instead of 37 GB/s).
/// </remarks>
internal static unsafe class CodeDots
{
    /// <summary>A cache line, and the widest register.</summary>
    public const int Lanes = 64;

    private const int Ahead = 8;

    /// <summary>One row and a query in 16 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int One(sbyte* row, short* query, int stride)
    {
        if (Avx512BW.IsSupported)
        {
            var (even, odd) = (Vector512<int>.Zero, Vector512<int>.Zero);
            for (var i = 0; i < stride; i += 64)
            {
                even += Avx512BW.MultiplyAddAdjacent(Wide(row + i), Vector512.Load(query + i));
                odd += Avx512BW.MultiplyAddAdjacent(Wide(row + i + 32), Vector512.Load(query + i + 32));
            }

            return Vector512.Sum(even + odd);
        }

        if (Avx2.IsSupported)
        {
            var sum = Vector256<int>.Zero;
            for (var i = 0; i < stride; i += 16)
            {
                sum += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(Vector128.Load(row + i)), Vector256.Load(query + i));
            }

            return Vector256.Sum(sum);
        }

        return Portable(row, query, stride);
    }

    /// <summary>What the others compute, for machines without these instructions.</summary>
    public static int Portable(sbyte* row, short* query, int stride)
    {
        var sum = Vector128<int>.Zero;
        for (var i = 0; i < stride; i += 16)
        {
            var (low, high) = Vector128.Widen(Vector128.Load(row + i));
            var (first, second) = (Vector128.Load(query + i), Vector128.Load(query + i + 8));
            sum += Vector128.WidenLower(low) * Vector128.WidenLower(first);
            sum += Vector128.WidenUpper(low) * Vector128.WidenUpper(first);
            sum += Vector128.WidenLower(high) * Vector128.WidenLower(second);
            sum += Vector128.WidenUpper(high) * Vector128.WidenUpper(second);
        }

        return Vector128.Sum(sum);
    }

    /// <summary>Four rows, anywhere, and one query.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Four(sbyte* row0, sbyte* row1, sbyte* row2, sbyte* row3, short* query, int stride, int* dots)
    {
        if (!Avx512BW.IsSupported)
        {
            dots[0] = One(row0, query, stride);
            dots[1] = One(row1, query, stride);
            dots[2] = One(row2, query, stride);
            dots[3] = One(row3, query, stride);
            return;
        }

        var (a, b, c, d) = (Vector512<int>.Zero, Vector512<int>.Zero, Vector512<int>.Zero, Vector512<int>.Zero);
        for (var i = 0; i < stride; i += 32)
        {
            var q = Vector512.Load(query + i);
            a += Avx512BW.MultiplyAddAdjacent(Wide(row0 + i), q);
            b += Avx512BW.MultiplyAddAdjacent(Wide(row1 + i), q);
            c += Avx512BW.MultiplyAddAdjacent(Wide(row2 + i), q);
            d += Avx512BW.MultiplyAddAdjacent(Wide(row3 + i), q);
        }

        Sums(a, b, c, d).Store(dots);
    }

    /// <summary>Rows that follow each other, and one query. <paramref name="count"/> is a multiple of four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Block(sbyte* rows, int count, int stride, short* query, int* dots)
    {
        if (!Avx512BW.IsSupported)
        {
            for (var r = 0; r < count; r++)
            {
                dots[r] = One(rows + ((nint)r * stride), query, stride);
            }

            return;
        }

        for (var r = 0; r < count; r += 4)
        {
            var row0 = rows + ((nint)r * stride);
            var row1 = row0 + stride;
            var row2 = row1 + stride;
            var row3 = row2 + stride;
            Fetch(row0 + 384, 4 * stride);
            var (a, b, c, d) = (Vector512<int>.Zero, Vector512<int>.Zero, Vector512<int>.Zero, Vector512<int>.Zero);
            for (var i = 0; i < stride; i += 32)
            {
                var q = Vector512.Load(query + i);
                a += Avx512BW.MultiplyAddAdjacent(Wide(row0 + i), q);
                b += Avx512BW.MultiplyAddAdjacent(Wide(row1 + i), q);
                c += Avx512BW.MultiplyAddAdjacent(Wide(row2 + i), q);
                d += Avx512BW.MultiplyAddAdjacent(Wide(row3 + i), q);
            }

            Sums(a, b, c, d).Store(dots + r);
        }
    }

    /// <summary>Rows anywhere and one query, those to come fetched ahead. There is room for three more dots than rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Gather(nint* rows, int count, int stride, short* query, int* dots)
    {
        for (var i = 0; i < Math.Min(Ahead, count); i++)
        {
            Fetch((sbyte*)rows[i], stride);
        }

        for (var i = 0; i < count; i += 4)
        {
            for (var next = i + Ahead; next < Math.Min(i + Ahead + 4, count); next++)
            {
                Fetch((sbyte*)rows[next], stride);
            }

            var row0 = (sbyte*)rows[i];
            if (i + 4 <= count)
            {
                Four(row0, (sbyte*)rows[i + 1], (sbyte*)rows[i + 2], (sbyte*)rows[i + 3], query, stride, dots + i);
            }
            else
            {
                Four(row0, (sbyte*)rows[Math.Min(i + 1, count - 1)], (sbyte*)rows[Math.Min(i + 2, count - 1)], row0, query, stride, dots + i);
            }
        }
    }

    /// <summary>A row's codes in 16 bits: as a query to other rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Widen(sbyte* row, short* query, int stride)
    {
        for (var i = 0; i < stride; i += 32)
        {
            var (low, high) = Vector256.Widen(Vector256.Load(row + i));
            low.Store(query + i);
            high.Store(query + i + 16);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fetch(sbyte* from, int bytes)
    {
        if (Sse.IsSupported)
        {
            for (var i = 0; i < bytes; i += 64)
            {
                Sse.Prefetch0(from + i);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<short> Wide(sbyte* codes) => Avx512BW.ConvertToVector512Int16(Vector256.Load(codes));

    /// <summary>The four sums over all lanes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> Sums(Vector512<int> a, Vector512<int> b, Vector512<int> c, Vector512<int> d)
    {
        var first = Avx2.HorizontalAdd(a.GetLower() + a.GetUpper(), b.GetLower() + b.GetUpper());
        var second = Avx2.HorizontalAdd(c.GetLower() + c.GetUpper(), d.GetLower() + d.GetUpper());
        var all = Avx2.HorizontalAdd(first, second);
        return all.GetLower() + all.GetUpper();
    }
}
