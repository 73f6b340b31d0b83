using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace RagCluster.Retrieval.Vectors;

/// <summary>
/// Dot products whose result does not depend on the machine: integers, or floats added in sixteen fixed lanes. That is
/// what makes the scores of several partitions, on several nodes, comparable to the last bit.
/// </summary>
internal static class VectorMath
{
    /// <summary>Rows of codes and queries are padded with zeros to a multiple of this.</summary>
    public const int Lanes = 32;

    /// <summary>The greatest magnitude of a query's code: products of up to 4,096 dimensions fit 32 bits.</summary>
    public const int QueryLevels = 4095;

    public const int CodeLevels = 127;

    public const int MaxDimensions = 4096;

    public static int Padded(int dimensions) => (dimensions + Lanes - 1) / Lanes * Lanes;

    /// <summary>The sum of products; both lengths are the same multiple of <see cref="Lanes"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Dot(ReadOnlySpan<sbyte> codes, ReadOnlySpan<short> query)
    {
        ref var c = ref MemoryMarshal.GetReference(codes);
        ref var q = ref MemoryMarshal.GetReference(query);
        if (Avx512BW.IsSupported)
        {
            var sum = Vector512<int>.Zero;
            for (nuint i = 0; i < (nuint)codes.Length; i += 32)
            {
                sum += Avx512BW.MultiplyAddAdjacent(Avx512BW.ConvertToVector512Int16(Vector256.LoadUnsafe(ref c, i)), Vector512.LoadUnsafe(ref q, i));
            }

            return Vector512.Sum(sum);
        }

        if (Avx2.IsSupported)
        {
            var sum = Vector256<int>.Zero;
            for (nuint i = 0; i < (nuint)codes.Length; i += 16)
            {
                sum += Avx2.MultiplyAddAdjacent(Avx2.ConvertToVector256Int16(Vector128.LoadUnsafe(ref c, i)), Vector256.LoadUnsafe(ref q, i));
            }

            return Vector256.Sum(sum);
        }

        var total = 0;
        for (var i = 0; i < codes.Length; i++)
        {
            total += codes[i] * query[i];
        }

        return total;
    }

    /// <summary>The sum of products of a stored vector and a query of the same length; sixteen partial sums, added in order.</summary>
    [SkipLocalsInit]
    public static float Dot(ReadOnlySpan<Half> vector, ReadOnlySpan<float> query)
    {
        const int Block = 256;
        Span<float> widened = stackalloc float[Block];
        var sums = Vector512<float>.Zero;
        var tail = 0f;
        for (var at = 0; at < vector.Length; at += Block)
        {
            var length = Math.Min(Block, vector.Length - at);
            TensorPrimitives.ConvertToSingle(vector.Slice(at, length), widened);
            var with = query.Slice(at, length);
            var i = 0;
            for (; i + 16 <= length; i += 16)
            {
                sums += Vector512.Create<float>(widened[i..]) * Vector512.Create(with[i..]);
            }

            for (; i < length; i++)
            {
                tail += widened[i] * with[i];
            }
        }

        for (var lane = 0; lane < 16; lane++)
        {
            tail += sums[lane];
        }

        return tail;
    }
}
