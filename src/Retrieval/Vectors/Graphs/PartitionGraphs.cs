using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Segments;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>
/// The graphs of a partition: one for each number of dimensions of which there are vectors enough. They belong to the
/// index, not to a snapshot of it; a search through them sees only what its snapshot allows.
/// </summary>
internal sealed class PartitionGraphs(VectorGraphOptions options)
{
    private readonly Lock _tending = new();
    private PartitionGraph[] _graphs = [];

    public long Bytes => Graphs.Sum(graph => graph.Bytes);

    private PartitionGraph[] Graphs => Volatile.Read(ref _graphs);

    /// <summary>Offers the best k at least; with each the number of its part and its row.</summary>
    public void Search(VectorQuery query, ReadOnlySpan<VectorPart> parts, int k, Action<int, int, double> offer) =>
        PartitionGraph.Search(GraphOf(query.Dimensions)?.Current, query, parts, k, Math.Max(options.Ef, 2 * k), offer, options.Way);

    /// <summary>Brings the graphs up to a snapshot. Searches, and applying events, go on meanwhile; a second call waits for the first.</summary>
    /// <exception cref="OperationCanceledException">What was done until then holds.</exception>
    public void Tend(IReadOnlyList<SegmentView> views, CancellationToken cancellationToken)
    {
        lock (_tending)
        {
            foreach (var dimensions in views.SelectMany(view => view.Segment.Vectors).Select(vectors => vectors.Dimensions).Distinct())
            {
                var graph = GraphOf(dimensions) ?? Add(new PartitionGraph(dimensions, options.Graph, options.From));
                graph.Tend(PartsOf(views, dimensions), options.Threads, cancellationToken);
            }
        }
    }

    /// <summary>Writes the graphs of those segments that a snapshot has, as far as they are linked.</summary>
    public IReadOnlyList<SegmentFile> Save(string directory, IReadOnlyList<SegmentView> views)
    {
        var files = new List<SegmentFile>();
        lock (_tending)
        {
            foreach (var graph in Graphs)
            {
                if (graph.Current is { End: > 0 } state && PartitionGraphFile.TryWrite(directory, graph.Dimensions, state, views) is { } file)
                {
                    files.Add(file);
                }
            }
        }

        return files;
    }

    /// <summary>Reads the graph of segments that were read.</summary>
    /// <exception cref="SegmentCorruptException">It is not one over these segments. The graphs are as they were.</exception>
    public void Open(string directory, SegmentFile file, IReadOnlyList<SegmentView> views)
    {
        var (dimensions, state) = PartitionGraphFile.Read(directory, file, views);
        if (GraphOf(dimensions) is not null)
        {
            throw new SegmentCorruptException(file.Name, nameof(Section.Graph), $"There are two graphs of {dimensions} dimensions.");
        }

        // A graph of another shape than is asked for is as good as none: it is built anew.
        if (state.Graph.Options == options.Graph)
        {
            Add(new PartitionGraph(dimensions, options.Graph, options.From)).Restore(state);
        }
    }

    internal PartitionGraph? GraphOf(int dimensions) => Array.Find(Graphs, graph => graph.Dimensions == dimensions);

    private static VectorPart[] PartsOf(IReadOnlyList<SegmentView> views, int dimensions)
    {
        var parts = new List<VectorPart>();
        foreach (var view in views)
        {
            if (view.Segment.VectorsOf(dimensions) is { } vectors)
            {
                var living = view.Deleted is null ? [] : Bitmap.Full(view.Count);
                if (view.Deleted is { } deleted)
                {
                    Bitmap.Remove(living, deleted);
                }

                parts.Add(new VectorPart(vectors, view.Count, living));
            }
        }

        return [.. parts];
    }

    private PartitionGraph Add(PartitionGraph graph)
    {
        PartitionGraph[] all = [.. _graphs, graph];
        Volatile.Write(ref _graphs, all);
        return graph;
    }
}

/// <summary>When a partition has graphs, and how they are built and searched.</summary>
public sealed record VectorGraphOptions
{
    /// <summary>From so many vectors of one number of dimensions on; below, they are scanned.</summary>
    public int From { get; init; } = SearchPlan.GraphFrom;

    /// <summary>How many candidates a walk keeps; at least twice as many as are wanted. 128 finds 99 of 100 even among vectors that lie badly.</summary>
    public int Ef { get; init; } = 128;

    public GraphOptions Graph { get; init; } = GraphOptions.Default;

    /// <summary>How many threads link vectors. With one, equal histories give equal graphs.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>For tests and measurements: not the way that costs least, but this one.</summary>
    internal SearchWay? Way { get; init; }
}
