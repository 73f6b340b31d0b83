using RagCluster.Messages.Partitions;

namespace RagCluster.Retrieval.Vectors;

/// <summary>A query vector made ready for scanning: as it is, and in integers.</summary>
internal sealed class VectorQuery
{
    private VectorQuery(float[] values, double inverseNorm)
    {
        Values = values;
        InverseNorm = inverseNorm;
        Codes = new short[VectorMath.Padded(values.Length)];
        var greatest = 0f;
        foreach (var value in values)
        {
            greatest = Math.Max(greatest, Math.Abs(value));
        }

        // Codes are of the normalised vector, so that products of codes are cosines but for the scales.
        var step = greatest * inverseNorm / VectorMath.QueryLevels;
        var error = 0.0;
        for (var i = 0; i < values.Length; i++)
        {
            var normal = values[i] * inverseNorm;
            Codes[i] = (short)Math.Round(normal / step);
            error += Math.Pow(normal - (Codes[i] * step), 2);
        }

        Step = (float)step;
        Error = (float)Math.Sqrt(error);
    }

    /// <summary>Null where the vector has no direction (it is empty or all zero) or too many dimensions.</summary>
    public static VectorQuery? Of(Embedding? embedding)
    {
        if (embedding is null || embedding.Dimensions > VectorMath.MaxDimensions)
        {
            return null;
        }

        var values = embedding.ToSingle();
        var inverseNorm = InverseNormOf(values);
        return inverseNorm == 0 ? null : new VectorQuery(values, inverseNorm);
    }

    public float[] Values { get; }

    public int Dimensions => Values.Length;

    /// <summary>One over the Euclidean length.</summary>
    public double InverseNorm { get; }

    public short[] Codes { get; }

    /// <summary>What one unit of a code stands for.</summary>
    public float Step { get; }

    /// <summary>The Euclidean distance between the normalised vector and its codes.</summary>
    public float Error { get; }

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
}
