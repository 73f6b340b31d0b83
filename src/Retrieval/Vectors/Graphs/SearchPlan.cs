namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>How vectors can be searched.</summary>
internal enum SearchWay
{
    /// <summary>Every allowed row is compared: exact.</summary>
    Scan,

    /// <summary>The graph is walked through all nodes, and those that are not allowed are left out at the end.</summary>
    Walk,

    /// <summary>The graph is walked through allowed nodes only, over the others.</summary>
    WalkAmongAllowed,
}

/// <summary>What the ways to search cost, as it was measured, and so which one to take.</summary>
internal static class SearchPlan
{
    /// <summary>From so many vectors on a graph is worth its memory and the time to build it.</summary>
    public const int GraphFrom = 10_000;

    public static SearchWay Choose(int rows, int allowed, int ef, int stride)
    {
        var scan = ScanNanoseconds(rows, allowed, stride);
        var share = allowed / (double)rows;
        var walk = WalkNanoseconds(rows, ef / share, stride);
        var among = share > 0.95 ? double.PositiveInfinity : WalkAmongNanoseconds(rows, share, ef, stride);
        return scan <= Math.Min(walk, among) ? SearchWay.Scan : walk <= among ? SearchWay.Walk : SearchWay.WalkAmongAllowed;
    }

    internal static double ScanNanoseconds(int rows, int allowed, int stride) => Math.Min(rows * (2 + (0.027 * stride)), allowed * (10 + (0.05 * stride)));

    internal static double WalkNanoseconds(int rows, double ef, int stride) => 26 * ef * (10 + (0.1 * stride));

    internal static double WalkAmongNanoseconds(int rows, double share, int ef, int stride) => 1e9;
}
