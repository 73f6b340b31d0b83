using System.Collections.Concurrent;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>
/// A hierarchical graph of near neighbours over rows of vectors (HNSW: Malkov and Yashunin, "Efficient and robust
/// approximate nearest neighbor search using Hierarchical Navigable Small World graphs", 2016). Nodes are row numbers.
/// The walk compares codes of one byte a dimension; whoever searches scores the best again by the vectors themselves.
/// </summary>
/// <remarks>
/// Any number of threads search while others write, without a lock: links are single numbers that always name a node
/// that was there before. Writers hold a lock for one node's links at a time. Built by one thread, the graph is a
/// function of the vectors, their order and the seed.
/// </remarks>
internal sealed class HnswGraph
{
    private readonly ConcurrentQueue<Walker> _walkers = new();
    private EntryPoint? _entry;

    public HnswGraph(VectorRows rows, GraphOptions options)
    {
        options.Check();
        (Rows, Options) = (rows, options);
        Base = new BaseLevel(options.Width);
        Upper = new UpperLevels(options.M);
    }

    public VectorRows Rows { get; }

    public GraphOptions Options { get; }

    public BaseLevel Base { get; }

    public UpperLevels Upper { get; }

    /// <summary>Where every walk begins; null while there is no node.</summary>
    public EntryPoint? Entry
    {
        get => Volatile.Read(ref _entry);
        set => Volatile.Write(ref _entry, value);
    }

    /// <summary>What the links take in memory, without the vectors.</summary>
    public long Bytes => Base.Bytes + Upper.Bytes;

    public GraphSpace Space() => new(Rows, Base, Upper);

    public Walker Rent() => _walkers.TryDequeue(out var walker) ? walker : new Walker(Rows.Shape.Stride);

    public void Return(Walker walker)
    {
        if (_walkers.Count < 2 * Environment.ProcessorCount)
        {
            _walkers.Enqueue(walker);
        }
    }

    /// <param name="Node">The node, on the lowest level.</param>
    /// <param name="Place">Its place on the upper levels, or -1.</param>
    /// <param name="Level">The highest level of all.</param>
    internal sealed record EntryPoint(int Node, int Place, int Level);
}
