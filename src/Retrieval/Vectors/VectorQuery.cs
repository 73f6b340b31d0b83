using RagCluster.Messages.Partitions;

namespace RagCluster.Retrieval.Vectors;

/// <summary>A query vector made ready for searching: as it is, and in integers of two widths.</summary>
internal sealed class VectorQuery
{
    private sbyte[]? _bytes;

    private VectorQuery(float[] values, Similarity similarity, double inverseNorm)
    {
        Values = values;
        InverseNorm = inverseNorm;

        // With cosines codes are of the normalised vector, so that products of codes are cosines but for the scales.
        Factor = similarity == Similarity.Cosine ? inverseNorm : 1;
        Length = similarity == Similarity.Cosine ? 1 : inverseNorm == 0 ? 0 : 1 / inverseNorm;
        Codes = new short[VectorMath.Padded(values.Length)];
        var step = Math.Max(Greatest * Factor / VectorMath.QueryLevels, VectorMath.LeastStep);
        var error = 0.0;
        for (var i = 0; i < values.Length; i++)
        {
            var value = values[i] * Factor;
            Codes[i] = (short)Math.Round(value / step);
            var off = value - (Codes[i] * step);
            error += off * off;
        }

        Step = (float)step;
        Error = (float)(Math.Sqrt(error) * 1.00001);
    }

    public float[] Values { get; }

    public int Dimensions => Values.Length;

    /// <summary>One over the Euclidean length; 0 for a vector without direction.</summary>
    public double InverseNorm { get; }

    /// <summary>The Euclidean length of what is coded: 1 with cosines.</summary>
    public double Length { get; }

    /// <summary>In 13 bits, sign included.</summary>
    public short[] Codes { get; }

    /// <summary>What one unit of a code stands for.</summary>
    public float Step { get; }

    /// <summary>At least the Euclidean distance between what is coded and its codes.</summary>
    public float Error { get; }

    /// <summary>What <see cref="Codes"/> are for <see cref="CodeDots.Eight"/>: coarser, so that sums fit 16 bits.</summary>
    public ReadOnlySpan<sbyte> Bytes
    {
        get
        {
            _bytes ??= MakeBytes();
            return _bytes;
        }
    }

    public float ByteStep { get; private set; }

    public float ByteError { get; private set; }

    /// <summary>-128 times the sum of <see cref="Bytes"/>.</summary>
    public int ByteCorrection { get; private set; }

    private double Factor { get; }

    private float Greatest => Math.Abs(System.Numerics.Tensors.TensorPrimitives.MaxMagnitude<float>(Values));

    /// <summary>Null where the vector has no direction (it is empty or all zero) or too many dimensions.</summary>
    public static VectorQuery? Of(Embedding? embedding) =>
        embedding is null || embedding.Dimensions is 0 or > VectorMath.MaxDimensions ? null : Of(embedding.ToSingle(), Similarity.Cosine);

    /// <summary>Null where nothing can be like the vector: with cosines, one without direction. It is finite, and not empty.</summary>
    public static VectorQuery? Of(float[] values, Similarity similarity)
    {
        var inverseNorm = InverseNormOf(values);
        return inverseNorm == 0 && similarity == Similarity.Cosine ? null : new VectorQuery(values, similarity, inverseNorm);
    }

    /// <summary>One over the Euclidean length; 0 for a vector without direction.</summary>
    public static double InverseNormOf(ReadOnlySpan<float> values)
    {
        var sum = 0.0;
        foreach (var value in values)
        {
            sum += (double)value * value;
        }

        return sum > 0 && double.IsFinite(sum) ? 1 / Math.Sqrt(sum) : 0;
    }

    /// <summary>The finest codes whose magnitudes, added up by lanes of 16 bits, stay within the budget.</summary>
    private sbyte[] MakeBytes()
    {
        var bytes = new sbyte[Codes.Length];
        var step = Math.Max(Math.Max(FullestLane(Codes) * (double)Step / CodeDots.LaneBudget, Greatest * Factor / VectorMath.CodeLevels), VectorMath.LeastStep);
        while (true)
        {
            var (error, sum) = (0.0, 0);
            for (var i = 0; i < Values.Length; i++)
            {
                var value = Values[i] * Factor;
                bytes[i] = (sbyte)Math.Round(value / step);
                var off = value - (bytes[i] * step);
                error += off * off;
                sum += bytes[i];
            }

            if (FullestLane(Array.ConvertAll(bytes, code => (short)code)) <= CodeDots.LaneBudget)
            {
                (ByteStep, ByteError, ByteCorrection) = ((float)step, (float)(Math.Sqrt(error) * 1.00001), -128 * sum);
                return bytes;
            }

            // Rounding went over it.
            step *= 1.02;
        }
    }

    /// <summary>The greatest sum of magnitudes that meet in one lane: two neighbours of each 64 codes, within a run.</summary>
    private static int FullestLane(ReadOnlySpan<short> codes)
    {
        Span<int> lanes = stackalloc int[CodeDots.Lanes / 2];
        var fullest = 0;
        for (var run = 0; run < codes.Length; run += CodeDots.Run)
        {
            lanes.Clear();
            for (var i = run; i < Math.Min(codes.Length, run + CodeDots.Run); i++)
            {
                lanes[i % CodeDots.Lanes / 2] += Math.Abs(codes[i]);
            }

            foreach (var lane in lanes)
            {
                fullest = Math.Max(fullest, lane);
            }
        }

        return fullest;
    }
}
