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

/// <summary>The same for eight queries and one row.</summary>
internal struct EightBounds
{
    private readonly Vector256<float> _step;
    private readonly Vector256<float> _perError;
    private readonly Vector256<float> _perLength;
    private readonly Vector256<float> _constant;
    private readonly bool _euclidean;

    /// <summary>Copies the queries' codes; lanes without a query never find anything.</summary>
    public unsafe EightBounds(VectorShape shape, ReadOnlySpan<VectorQuery> queries, ScanScratch scratch)
    {
        _euclidean = shape.Similarity == Similarity.Euclidean;
        HasLengths = shape.Similarity != Similarity.Cosine;
        var times = _euclidean ? 2 : 1;
        var least = Vector256.Create(float.PositiveInfinity);
        new Span<byte>(scratch.Bytes, shape.Stride * CodeDots.Batch).Clear();
        new Span<int>(scratch.Corrections, CodeDots.Batch).Clear();
        for (var q = 0; q < queries.Length; q++)
        {
            var query = queries[q];
            query.Bytes.CopyTo(new Span<sbyte>(scratch.Bytes + (q * shape.Stride), shape.Stride));
            scratch.Corrections[q] = query.ByteCorrection;
            var (length, error) = ((float)query.Length, query.ByteError);
            _step = _step.WithElement(q, times * query.ByteStep);
            _perError = _perError.WithElement(q, times * (length + error) * 1.00001f);
            _perLength = _perLength.WithElement(q, times * (error + (Bounds.Rounding * length)));
            _constant = _constant.WithElement(q, _euclidean ? Bounds.Rounding * length * length : 0);
            least = least.WithElement(q, float.NegativeInfinity);
        }

        Least = least;
    }

    public bool HasLengths { get; }

    /// <summary>By query the score that a row must be able to reach.</summary>
    public Vector256<float> Least { get; set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector256<float> Scores(Vector256<float> dots, float scale, float length)
    {
        var products = dots * (_step * scale);
        return _euclidean ? products - Vector256.Create(length * length) : products;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly Vector256<float> Off(float error, float length)
    {
        var off = (_perError * error) + (_perLength * length);
        return _euclidean ? off + _constant + Vector256.Create(length * length * Bounds.Rounding) : off;
    }
}
