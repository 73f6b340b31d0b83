using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RagCluster.Retrieval.Vectors;

/// <summary>
/// Sums over floats whose result does not depend on the machine: they are added in sixteen fixed lanes. That is what
/// makes the scores of several partitions, on several nodes, comparable to the last bit.
/// </summary>
internal static class VectorMath
{
    /// <summary>The greatest magnitude of a query's code: products of up to 4,096 dimensions fit 32 bits.</summary>
    public const int QueryLevels = 4095;

    public const int CodeLevels = 127;

    public const int MaxDimensions = 4096;

    /// <summary>Codes stand for no finer steps, so that a step is never 0 in single precision.</summary>
    public const double LeastStep = 1e-30;

    private const int Block = 256;

    public static int Padded(int dimensions) => (dimensions + CodeDots.Lanes - 1) / CodeDots.Lanes * CodeDots.Lanes;

    /// <summary>The sum of products of a stored vector and a query of the same length; sixteen partial sums, added in order.</summary>
    [SkipLocalsInit]
    public static float Dot(ReadOnlySpan<Half> vector, ReadOnlySpan<float> query)
    {
        Span<float> widened = stackalloc float[Block];
        var (sums, tail) = (Vector512<float>.Zero, 0f);
        for (var at = 0; at < vector.Length; at += Block)
        {
            var length = Math.Min(Block, vector.Length - at);
            TensorPrimitives.ConvertToSingle(vector.Slice(at, length), widened);
            AddProducts(widened[..length], query.Slice(at, length), ref sums, ref tail);
        }

        return Total(sums, tail);
    }

    public static float Dot(ReadOnlySpan<float> vector, ReadOnlySpan<float> query)
    {
        var (sums, tail) = (Vector512<float>.Zero, 0f);
        AddProducts(vector, query, ref sums, ref tail);
        return Total(sums, tail);
    }

    [SkipLocalsInit]
    public static float SquaredDistance(ReadOnlySpan<Half> vector, ReadOnlySpan<float> query)
    {
        Span<float> widened = stackalloc float[Block];
        var (sums, tail) = (Vector512<float>.Zero, 0f);
        for (var at = 0; at < vector.Length; at += Block)
        {
            var length = Math.Min(Block, vector.Length - at);
            TensorPrimitives.ConvertToSingle(vector.Slice(at, length), widened);
            AddSquares(widened[..length], query.Slice(at, length), ref sums, ref tail);
        }

        return Total(sums, tail);
    }

    public static float SquaredDistance(ReadOnlySpan<float> vector, ReadOnlySpan<float> query)
    {
        var (sums, tail) = (Vector512<float>.Zero, 0f);
        AddSquares(vector, query, ref sums, ref tail);
        return Total(sums, tail);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddProducts(ReadOnlySpan<float> vector, ReadOnlySpan<float> query, ref Vector512<float> sums, ref float tail)
    {
        var i = 0;
        var total = sums;
        for (; i + 16 <= vector.Length; i += 16)
        {
            total += Vector512.Create(vector[i..]) * Vector512.Create(query[i..]);
        }

        sums = total;
        for (; i < vector.Length; i++)
        {
            tail += vector[i] * query[i];
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddSquares(ReadOnlySpan<float> vector, ReadOnlySpan<float> query, ref Vector512<float> sums, ref float tail)
    {
        var i = 0;
        var total = sums;
        for (; i + 16 <= vector.Length; i += 16)
        {
            var off = Vector512.Create(vector[i..]) - Vector512.Create(query[i..]);
            total += off * off;
        }

        sums = total;
        for (; i < vector.Length; i++)
        {
            var off = vector[i] - query[i];
            tail += off * off;
        }
    }

    private static float Total(Vector512<float> sums, float tail)
    {
        for (var lane = 0; lane < 16; lane++)
        {
            tail += sums[lane];
        }

        return tail;
    }
}
