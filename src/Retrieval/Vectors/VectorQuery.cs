using RagCluster.Messages.Partitions;

namespace RagCluster.Retrieval.Vectors;

/// <summary>A query vector made ready for searching: as it is, and in integers of two widths.</summary>
internal sealed class VectorQuery
{
    private CodesInBytes? _inBytes;

    private VectorQuery(float[] values, Similarity similarity, double inverseNorm)
    {
        Values = values;
        Greatest = Quantiser.Greatest(values);
        InverseNorm = inverseNorm;

        // With cosines codes are of the normalised vector, so that products of codes are cosines but for the scales.
        Factor = similarity == Similarity.Cosine ? inverseNorm : 1;
        Length = similarity == Similarity.Cosine ? 1 : inverseNorm == 0 ? 0 : 1 / inverseNorm;
        Codes = new short[VectorMath.Padded(values.Length)];
        var step = Math.Max(Greatest * Factor / VectorMath.QueryLevels, VectorMath.LeastStep);
        var error = Quantiser.Code(values, Factor, step, Codes);
        Step = (float)step;
        Error = (float)error;
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

    /// <summary>What <see cref="Codes"/> are for <see cref="StreamedDots"/>. One thread at a time asks.</summary>
    public CodesInBytes InBytes => _inBytes ??= MakeBytes();

    private double Factor { get; }

    private float Greatest { get; }

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
    private CodesInBytes MakeBytes()
    {
        var codes = new short[Codes.Length];
        var step = Math.Max(Math.Max(Quantiser.FullestLane(Codes) * (double)Step / StreamedDots.LaneBudget, Greatest * Factor / VectorMath.CodeLevels), VectorMath.LeastStep);
        var error = Quantiser.Code(Values, Factor, step, codes);
        while (Quantiser.FullestLane(codes) > StreamedDots.LaneBudget)
        {
            // Rounding went over it.
            step *= 1.02;
            error = Quantiser.Code(Values, Factor, step, codes);
        }

        var bytes = new sbyte[codes.Length];
        var sum = 0;
        for (var i = 0; i < codes.Length; i++)
        {
            bytes[i] = (sbyte)codes[i];
            sum += codes[i];
        }

        return new CodesInBytes(bytes, (float)step, (float)error, -128 * sum);
    }
}

/// <summary>A query's codes in bytes, coarser than those in 16 bits, so that sums of products fit 16 bits.</summary>
/// <param name="Step">What one unit of a code stands for.</param>
/// <param name="Error">At least the Euclidean distance between what is coded and its codes.</param>
/// <param name="Correction">-128 times the sum of the codes.</param>
internal sealed record CodesInBytes(sbyte[] Codes, float Step, float Error, int Correction);
