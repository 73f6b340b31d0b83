namespace RagCluster.Nodes.Evaluation;

/// <summary>
/// Fisher's paired randomisation test, which Smucker, Allan and Carterette ("A Comparison of Statistical Significance
/// Tests for Information Retrieval Evaluation", 2007) recommend for comparing two systems over the same queries: if they
/// do not differ, each query's difference might as well have had the other sign.
/// </summary>
internal static class RandomisationTest
{
    private const int Rounds = 10_000;

    /// <summary>Up to so many differing queries all assignments of signs are tried.</summary>
    private const int MostExact = 13;

    /// <summary>
    /// The share of the assignments of signs whose mean difference is at least as far from 0 as the one seen; two-sided.
    /// Of many queries a sample of the assignments is taken, always the same, and the one seen is counted in, so that it
    /// is never 0 (Phipson and Smyth, 2010).
    /// </summary>
    public static double P(IReadOnlyList<double> differences)
    {
        // Equal queries have no sign; they change neither the sum nor its chances.
        var own = differences.Where(d => d != 0).ToArray();
        if (own.Length == 0)
        {
            return 1;
        }

        // Sums in another order differ in their last bits; these must count as equal.
        var seen = Math.Abs(own.Sum()) * (1 - 1e-9);
        if (own.Length <= MostExact)
        {
            var all = 1 << own.Length;
            return (double)Enumerable.Range(0, all).Count(signs => Math.Abs(Sum(own, i => (signs >> i & 1) != 0)) >= seen) / all;
        }

        var random = new Random(20070611);
        var extreme = 1;
        var bits = new byte[(own.Length + 7) / 8];
        for (var round = 0; round < Rounds; round++)
        {
            random.NextBytes(bits);
            if (Math.Abs(Sum(own, i => (bits[i >> 3] >> (i & 7) & 1) != 0)) >= seen)
            {
                extreme++;
            }
        }

        return (double)extreme / (Rounds + 1);
    }

    private static double Sum(double[] differences, Func<int, bool> flipped)
    {
        var sum = 0.0;
        for (var i = 0; i < differences.Length; i++)
        {
            sum += flipped(i) ? -differences[i] : differences[i];
        }

        return sum;
    }
}
