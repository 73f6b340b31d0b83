using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace RagCluster.Retrieval.Vectors;

/// <summary>From a dot product of codes to a score, and how far that may be off.</summary>
/// <remarks>
/// The score is s = d * scale * step, with Euclidean distances 2s - |x|^2 (which lacks the constant |q|^2). It is off by at
/// most |q - q'| |x| + |q'| |x - x'|, twice that with distances, and by the rounding of single precision.
/// </remarks>
internal readonly struct Bounds
{
    /// <summary>Covers the rounding of single precision in approximate and exact scores, in parts of the lengths' product.</summary>
    public const float Rounding = 2e-5f;

    private readonly Vector512<float> _step;
    private readonly Vector512<float> _perError;
    private readonly Vector512<float> _perLength;
    private readonly Vector512<float> _constant;

    public Bounds(VectorShape shape, VectorQuery query, float step, float error)
    {
        var times = shape.Similarity == Similarity.Euclidean ? 2 : 1;
        var length = (float)query.Length;
        Euclidean = shape.Similarity == Similarity.Euclidean;
        HasLengths = shape.Similarity != Similarity.Cosine;
        _step = Vector512.Create(times * step);
        _perError = Vector512.Create(times * (length + error) * 1.00001f);
        _perLength = Vector512.Create(times * (error + (Rounding * length)));
        _constant = Vector512.Create(Euclidean ? Rounding * length * length : 0);
    }

    public bool Euclidean { get; }

    /// <summary>Whether rows have lengths other than 1.</summary>
    public bool HasLengths { get; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Scores(Vector512<float> dots, Vector512<float> scale, Vector512<float> length)
    {
        var products = dots * (scale * _step);
        return Euclidean ? products - (length * length) : products;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Vector512<float> Off(Vector512<float> error, Vector512<float> length)
    {
        var off = (error * _perError) + (length * _perLength);
        return Euclidean ? off + _constant + (length * length * Vector512.Create(Rounding)) : off;
    }

    /// <summary>For one row.</summary>
    public float Score(int dot, float scale, float length)
    {
        var product = dot * (scale * _step[0]);
        return Euclidean ? product - (length * length) : product;
    }

    /// <summary>For one row.</summary>
    public float Off(float error, float length)
    {
        var off = (error * _perError[0]) + (length * _perLength[0]);
        return Euclidean ? off + _constant[0] + (length * length * Rounding) : off;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe Vector512<float> Lengths(double* lengths) =>
        Vector512.Create(
            Vector256.Narrow(Vector256.Load(lengths), Vector256.Load(lengths + 4)),
            Vector256.Narrow(Vector256.Load(lengths + 8), Vector256.Load(lengths + 12)));
}

/// <summary>The same for two rows and eight queries: the eight scores of the one, then those of the other.</summary>
internal struct EightBounds
{
    private readonly Vector512<float> _step;
    private readonly Vector512<float> _perError;
    private readonly Vector512<float> _perLength;
    private readonly Vector512<float> _constant;
    private readonly bool _euclidean;

    /// <summary>Copies the queries' codes; lanes without a query never find anything.</summary>
    public unsafe EightBounds(VectorShape shape, ReadOnlySpan<VectorQuery> queries, ScanScratch scratch)
    {
        _euclidean = shape.Similarity == Similarity.Euclidean;
        HasLengths = shape.Similarity != Similarity.Cosine;
        var times = _euclidean ? 2 : 1;
        var (steps, perError, perLength, constant) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        var least = Vector256.Create(float.PositiveInfinity);
        new Span<byte>(scratch.Bytes, shape.Stride * StreamedDots.Batch).Clear();
        new Span<int>(scratch.Corrections, StreamedDots.Batch).Clear();
        for (var q = 0; q < queries.Length; q++)
        {
            var codes = queries[q].InBytes;
            codes.Codes.CopyTo(new Span<sbyte>(scratch.Bytes + (q * shape.Stride), shape.Stride));
            scratch.Corrections[q] = codes.Correction;
            var (length, error) = ((float)queries[q].Length, codes.Error);
            steps = steps.WithElement(q, times * codes.Step);
            perError = perError.WithElement(q, times * (length + error) * 1.00001f);
            perLength = perLength.WithElement(q, times * (error + (Bounds.Rounding * length)));
            constant = constant.WithElement(q, _euclidean ? Bounds.Rounding * length * length : 0);
            least = least.WithElement(q, float.NegativeInfinity);
        }

        (_step, _perError, _perLength, _constant) = (Twice(steps), Twice(perError), Twice(perLength), Twice(constant));
        Least = Twice(least);
    }

    public bool HasLengths { get; }

    /// <summary>By query the score that a row must be able to reach.</summary>
    public Vector512<float> Least { get; private set; }

    /// <summary>One number for the eight scores of the one row, and another for those of the other.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Both(float first, float second) => Vector512.Create(Vector256.Create(first), Vector256.Create(second));

    public void Raise(int query, float least) => Least = Least.WithElement(query, least).WithElement(query + StreamedDots.Batch, least);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector512<float> Scores(Vector512<float> dots, Vector512<float> scale, Vector512<float> length)
    {
        var products = dots * (_step * scale);
        return _euclidean ? products - (length * length) : products;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector512<float> Off(Vector512<float> error, Vector512<float> length)
    {
        var off = (_perError * error) + (_perLength * length);
        return _euclidean ? off + _constant + (length * length * Vector512.Create(Bounds.Rounding)) : off;
    }

    private static Vector512<float> Twice(Vector256<float> lanes) => Vector512.Create(lanes, lanes);
}
