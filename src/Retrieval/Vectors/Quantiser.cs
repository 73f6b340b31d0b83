using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RagCluster.Retrieval.Vectors;

/// <summary>Turns floats into codes: multiples of a step, to the nearest.</summary>
internal static class Quantiser
{
    private const int Lanes = 16;

    /// <summary>What is off is measured in steps, which single precision knows to a thousandth.</summary>
    private const double Slack = 1.002;

    /// <summary>Codes of 16 bits for values times a factor; at least the Euclidean distance between those and what the codes stand for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Code(ReadOnlySpan<float> values, double factor, double step, Span<short> codes)
    {
        var times = (float)(factor / step);
        var squares = Vector512<float>.Zero;
        var i = 0;
        for (; i + Lanes <= values.Length; i += Lanes)
        {
            var value = Vector512.Create(values[i..]) * times;
            var rounded = Vector512.Round(value);
            var off = value - rounded;
            squares += off * off;
            var whole = Vector512.ConvertToInt32(rounded);
            Vector256.Narrow(whole.GetLower(), whole.GetUpper()).CopyTo(codes[i..]);
        }

        var rest = 0.0;
        for (; i < values.Length; i++)
        {
            var value = values[i] * times;
            var rounded = MathF.Round(value);
            var off = value - rounded;
            rest += off * off;
            codes[i] = (short)rounded;
        }

        return Math.Sqrt(Vector512.Sum(squares) + rest) * step * Slack;
    }

    /// <summary>The same in 8 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static double Code(ReadOnlySpan<float> values, double factor, double step, Span<sbyte> codes)
    {
        var times = (float)(factor / step);
        var squares = Vector512<float>.Zero;
        var i = 0;
        for (; i + Lanes <= values.Length; i += Lanes)
        {
            var value = Vector512.Create(values[i..]) * times;
            var rounded = Vector512.Round(value);
            var off = value - rounded;
            squares += off * off;
            var whole = Vector512.ConvertToInt32(rounded);
            var narrow = Vector256.Narrow(whole.GetLower(), whole.GetUpper());
            Vector128.Narrow(narrow.GetLower(), narrow.GetUpper()).CopyTo(codes[i..]);
        }

        var rest = 0.0;
        for (; i < values.Length; i++)
        {
            var value = values[i] * times;
            var rounded = MathF.Round(value);
            var off = value - rounded;
            rest += off * off;
            codes[i] = (sbyte)rounded;
        }

        return Math.Sqrt(Vector512.Sum(squares) + rest) * step * Slack;
    }

    /// <summary>The greatest magnitude among the values.</summary>
    public static float Greatest(ReadOnlySpan<float> values) => values.IsEmpty ? 0 : Math.Abs(TensorPrimitives.MaxMagnitude(values));

    /// <summary>The sum of the magnitudes of codes that meet in the fullest lane of <see cref="StreamedDots"/>: two neighbours of each 64, within a run.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int FullestLane(ReadOnlySpan<short> codes)
    {
        Span<int> lanes = stackalloc int[CodeDots.Lanes / 2];
        var fullest = 0;
        for (var run = 0; run < codes.Length; run += StreamedDots.Run)
        {
            lanes.Clear();
            var some = codes[run..Math.Min(codes.Length, run + StreamedDots.Run)];
            for (var i = 0; i + 1 < some.Length; i += 2)
            {
                lanes[(i >> 1) & ((CodeDots.Lanes / 2) - 1)] += Math.Abs((int)some[i]) + Math.Abs((int)some[i + 1]);
            }

            foreach (var lane in lanes)
            {
                fullest = Math.Max(fullest, lane);
            }
        }

        return fullest;
    }
}
