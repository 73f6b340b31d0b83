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

/// <summary>
/// What the ways to search cost, and so which one to take. The figures are nanoseconds, from 100,000 hard vectors of 384
/// dimensions on one core of a machine that was busy: only what they are to each other counts, and that held from run to run.
/// </summary>
/// <remarks>
/// <para>A row scanned in passing costs what its bytes take to arrive; one that is jumped to costs about twice that,
/// with the rows to come fetched ahead; one that a walk compares costs twice that again, for a walk knows only a few rows
/// ahead, and keeps account of where it was.</para>
/// <para>A walk that keeps ef nodes compares 250 + 20 ef of them, hardly more in 100,000 than in 20,000. Where only a
/// share s may be found it keeps ef / s, to have ef left at the end.</para>
/// <para>A walk among the allowed looks behind those that are not, which costs per kept node as much as 70 comparisons,
/// whatever s is; and it needs more of them for the same recall the fewer there are: at ef 100 recall is 0.99 for s = 0.8,
/// 0.98 for 0.3, 0.96 for 0.1, 0.82 for 0.01, and (1 + 0.06 / s) ef brings it back to that of a walk through all.</para>
/// <para>So at 100,000 rows and ef 100 up to a quarter is scanned, beyond it is walked through all; among the allowed is
/// for the middle of larger indexes.</para>
/// </remarks>
internal static class SearchPlan
{
    /// <summary>
    /// From so many vectors on there is a graph. A walk at ef 100 costs as much as a scan of 12,000 rows; a graph that
    /// is only twice as fast is not worth an answer that may lack something.
    /// </summary>
    public const int GraphFrom = 25_000;

    private const double WalkStart = 250;
    private const double WalkPerKept = 20;
    private const double AmongPerKept = 70;

    public static SearchWay Choose(int rows, int allowed, int ef, int stride)
    {
        var share = Math.Min(1, allowed / (double)rows);
        var scan = ScanNanoseconds(rows, allowed, stride);
        var walk = WalkNanoseconds(ef / share, stride);
        var among = AmongNanoseconds(EfAmong(ef, share), stride);
        return scan <= Math.Min(walk, among) ? SearchWay.Scan : walk <= among ? SearchWay.Walk : SearchWay.WalkAmongAllowed;
    }

    /// <summary>How many nodes a walk among the allowed keeps for the recall of one through all that keeps ef.</summary>
    public static int EfAmong(int ef, double share) => (int)Math.Ceiling(ef * (1 + (0.06 / share)));

    private static double ScanNanoseconds(int rows, int allowed, int stride) => Math.Min(rows * (1 + (0.027 * stride)), allowed * (4 + (0.055 * stride)));

    private static double WalkNanoseconds(double ef, int stride) => (WalkStart + (WalkPerKept * ef)) * CompareNanoseconds(stride);

    private static double AmongNanoseconds(double ef, int stride) => (WalkStart + (AmongPerKept * ef)) * CompareNanoseconds(stride);

    private static double CompareNanoseconds(int stride) => 12 + (0.115 * stride);
}
