using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>Adds many nodes to a graph, by several threads where that is wanted.</summary>
internal static class GraphBuilder
{
    /// <summary>The first nodes are linked one after another: threads that begin with an empty graph would not see each other's.</summary>
    private const int Alone = 256;

    /// <summary>Adds the rows from first to last (exclusive) whose bit is set, in this order where there is one thread.</summary>
    /// <returns>Up to where rows were added: the last, unless it was cancelled.</returns>
    public static int Add(HnswGraph graph, GraphLocks locks, GraphWriter writer, int first, int last, ulong[] wanted, int threads, CancellationToken cancellationToken)
    {
        threads = Math.Clamp(threads, 1, Math.Max(1, (last - first) / Alone));
        var next = first;
        MakeRoom(graph, locks, first, last, wanted);
        Add(writer, ref next, threads == 1 ? last : Math.Min(last, first + Alone), wanted, cancellationToken);
        if (threads > 1)
        {
            Parallel.For(
                0,
                threads,
                new ParallelOptions { MaxDegreeOfParallelism = threads },
                thread => Add(thread == 0 ? writer : new GraphWriter(graph, locks), ref next, last, wanted, cancellationToken));
        }

        return Math.Min(next, last);
    }

    /// <summary>
    /// Makes room for all links before any thread needs it, lower rows first. A thread that is late would otherwise open
    /// a block in a table that has been replaced meanwhile, and who still walks with the old one would follow a link to
    /// where there is nothing.
    /// </summary>
    private static void MakeRoom(HnswGraph graph, GraphLocks locks, int first, int last, ReadOnlySpan<ulong> wanted)
    {
        for (var row = first; row < last; row++)
        {
            if (Bitmap.Has(wanted, row) && !graph.Base.Has(row))
            {
                lock (locks)
                {
                    graph.Base.Open(row);
                }
            }
        }
    }

    /// <summary>A row that a thread has taken it adds, cancelled or not: so all rows before the next one are done.</summary>
    private static void Add(GraphWriter writer, ref int next, int last, ulong[] wanted, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested && Interlocked.Increment(ref next) - 1 is var row && row < last)
        {
            if (Bitmap.Has(wanted, row))
            {
                writer.Add(row);
            }
        }

        // Whoever came too late gives the number back.
        InterlockedMin(ref next, last);
    }

    private static void InterlockedMin(ref int value, int most)
    {
        for (var seen = Volatile.Read(ref value); seen > most; seen = Volatile.Read(ref value))
        {
            Interlocked.CompareExchange(ref value, most, seen);
        }
    }
}
