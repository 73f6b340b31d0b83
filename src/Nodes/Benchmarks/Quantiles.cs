namespace RagCluster.Nodes.Benchmarks;

/// <summary>Quantiles of samples.</summary>
internal static class Quantiles
{
    /// <summary>
    /// The value at or below which a share of the samples lies, interpolated between neighbours (type 7 of Hyndman and
    /// Fan, "Sample Quantiles in Statistical Packages", 1996). NaN of no samples.
    /// </summary>
    /// <param name="sorted">Ascending.</param>
    /// <param name="share">From 0 to 1; 0.5 is the median.</param>
    public static double OfSorted(ReadOnlySpan<double> sorted, double share)
    {
        if (sorted.IsEmpty)
        {
            return double.NaN;
        }

        var place = share * (sorted.Length - 1);
        var below = (int)place;
        return below + 1 < sorted.Length ? sorted[below] + ((place - below) * (sorted[below + 1] - sorted[below])) : sorted[^1];
    }
}
