using RagCluster.Retrieval.Vectors.Graphs;

namespace RagCluster.Retrieval.Vectors;

/// <summary>What a <see cref="VectorIndex"/> is like for as long as it lives; it is saved with it.</summary>
public sealed record VectorIndexOptions
{
    /// <summary>From 1 to 4,096.</summary>
    public required int Dimensions { get; init; }

    public Similarity Similarity { get; init; } = Similarity.Cosine;

    /// <summary>How the vectors themselves are kept, for the final scores.</summary>
    public StoredPrecision Precision { get; init; } = StoredPrecision.Half;

    public GraphOptions Graph { get; init; } = GraphOptions.Default;

    /// <summary>From so many vectors on there is a graph. Below, a scan is faster than any walk.</summary>
    public int GraphFrom { get; init; } = SearchPlan.GraphFrom;

    internal void Check()
    {
        if (Dimensions is < 1 or > VectorMath.MaxDimensions)
        {
            throw new ArgumentOutOfRangeException(nameof(Dimensions), Dimensions, $"A vector has from 1 to {VectorMath.MaxDimensions} dimensions.");
        }

        ArgumentOutOfRangeException.ThrowIfNegative(GraphFrom);
        Graph.Check();
    }
}

/// <summary>How one search is done.</summary>
public sealed record VectorSearchOptions
{
    public static VectorSearchOptions Default { get; } = new();

    /// <summary>How many candidates a walk through the graph keeps: more finds more, more slowly. At least the number of results is taken.</summary>
    public int Ef { get; init; } = 100;

    /// <summary>Compare every vector: nothing is missed.</summary>
    public bool Exact { get; init; }

    /// <summary>The ids that may be found, a bit each; those beyond its end may not. Null lets all be found.</summary>
    public ulong[]? Filter { get; init; }

    /// <summary>For tests and measurements: not the way that costs least, but this one.</summary>
    internal SearchWay? Way { get; init; }
}

/// <summary>A vector that was found.</summary>
/// <param name="Score">Exact, by the vectors as they are stored.</param>
public readonly record struct Neighbour(int Id, double Score);
