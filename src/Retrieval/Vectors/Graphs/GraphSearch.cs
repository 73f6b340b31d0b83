using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>Searches a graph, in the way that costs least, and scores what it found by the vectors themselves.</summary>
internal static unsafe class GraphSearch
{
    /// <summary>Of what a first walk finds, so many start the walk among the allowed.</summary>
    private const int Seeds = 8;

    /// <summary>So many nodes ahead of being scored their vectors are fetched: they may lie in a mapped file, a page each.</summary>
    private const int Ahead = 4;

    /// <summary>
    /// Offers the best k of the graph's nodes that are allowed, and those behind them whose place among the best the
    /// codes leave in doubt.
    /// </summary>
    /// <param name="rows">The graph's nodes are below this.</param>
    /// <param name="allowed">The bits of the nodes that may be found; all, where it is empty.</param>
    /// <param name="forced">Not the way that costs least, but this one.</param>
    /// <param name="ef">How many nodes the walk keeps: the more, the less it misses. At least k is taken.</param>
    public static void Search(HnswGraph graph, VectorQuery query, int rows, ReadOnlySpan<ulong> allowed, int k, int ef, Action<int, double> offer, SearchWay? forced = null)
    {
        var count = allowed.IsEmpty ? rows : Bitmap.CountOf(allowed);
        if (rows == 0 || count == 0 || k <= 0)
        {
            return;
        }

        ef = Math.Max(ef, k);
        var way = forced ?? SearchPlan.Choose(rows, count, ef, graph.Rows.Shape.Stride);
        if (way == SearchWay.Scan || graph.Entry is not { } entry || !TryWalk(graph, entry, query, way, count / (double)rows, allowed, k, ef, offer))
        {
            ExactScan.Search(graph.Rows.Table, graph.Rows.Shape, query, rows, allowed, k, offer);
        }
    }

    /// <summary>False, and nothing offered, where the walk did not find k: then there may be some that it could not reach.</summary>
    internal static bool TryWalk(
        HnswGraph graph, HnswGraph.EntryPoint entry, VectorQuery query, SearchWay way, double share, ReadOnlySpan<ulong> allowed, int k, int ef, Action<int, double> offer)
    {
        var walker = graph.Rent();
        try
        {
            var space = graph.Space();
            walker.Seek(space, query);
            var start = entry.Level > 0 ? space.NodeOf(1, walker.Descend(space, entry.Place, entry.Level, 0)) : entry.Node;
            if (way == SearchWay.Walk)
            {
                // Those that are not allowed take up room.
                ef = (int)Math.Ceiling(ef / share);
                walker.Begin(space, 0, start, ef);
                walker.Walk(space, 0, ef);
            }
            else
            {
                WalkAmongAllowed(space, walker, start, allowed, SearchPlan.EfAmong(ef, share));
            }

            var found = Rescore(space, walker, query, allowed, k, offer);
            space.KeepAlive();
            return found;
        }
        finally
        {
            graph.Return(walker);
        }
    }

    private static void WalkAmongAllowed(in GraphSpace space, Walker walker, int start, ReadOnlySpan<ulong> allowed, int ef)
    {
        walker.Begin(space, 0, start, Seeds);
        walker.Walk(space, 0, Seeds);
        Span<int> seeds = stackalloc int[Seeds];
        var count = walker.Count;
        for (var i = 0; i < count; i++)
        {
            seeds[i] = Walker.IdOf(walker.Pool[i]);
        }

        // Seeds that are not allowed take up room, too.
        walker.Begin(space, 0, seeds[0], ef + Seeds);
        foreach (var seed in seeds[1..count])
        {
            walker.Add(space, 0, seed, ef + Seeds);
        }

        walker.Walk(space, ef + Seeds, allowed);
    }

    /// <summary>
    /// Offers with their exact scores the best by codes, until the next one would have to be further off than codes are:
    /// four times what random errors in so many dimensions add up to.
    /// </summary>
    private static bool Rescore(in GraphSpace space, Walker walker, VectorQuery query, ReadOnlySpan<ulong> allowed, int k, Action<int, double> offer)
    {
        var table = space.Owners.Codes;
        var items = new Span<ulong>(walker.Pool, walker.Count);
        var nodes = 0;
        foreach (var item in items)
        {
            var node = Walker.IdOf(item);
            if (allowed.IsEmpty || (node >> 6 < allowed.Length && Bitmap.Has(allowed, node)))
            {
                items[nodes++] = item;
            }
        }

        if (nodes < k)
        {
            return false;
        }

        var part = Math.Min(1, 4 / Math.Sqrt(query.Dimensions)) * (space.Euclidean ? 2 : 1);
        var length = space.Euclidean ? query.Length * query.Length : 0;
        var best = new Candidates(k, []);
        for (var i = 0; i < Math.Min(Ahead, nodes); i++)
        {
            Fetch(table, items[i]);
        }

        for (var i = 0; i < nodes; i++)
        {
            var node = Walker.IdOf(items[i]);
            var block = table.Blocks[node >> VectorBlock.Shift]!;
            var row = node & (VectorBlock.Rows - 1);
            var off = ((block.Error[row] * query.Length) + (query.Error * space.LengthOf(node))) * part;
            if (Walker.ScoreOf(items[i]) - length + off < best.Least)
            {
                return true;
            }

            if (i + Ahead < nodes)
            {
                Fetch(table, items[i + Ahead]);
            }

            var exact = block.Exact(query, row);
            best.Add(node, (float)exact, (float)exact);
            offer(node, exact);
        }

        return true;
    }

    private static void Fetch(RowTable table, ulong item)
    {
        var node = Walker.IdOf(item);
        var (block, row) = (table.Blocks[node >> VectorBlock.Shift]!, node & (VectorBlock.Rows - 1));
        block.FetchValues(row);
        block.FetchScale(row);
        CodeDots.Fetch((sbyte*)(block.Length + row), 1);
    }
}
