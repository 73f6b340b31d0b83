namespace RagCluster.Retrieval.Vectors;

/// <summary>Searches by scanning: exact, and the fastest way for up to some ten thousand vectors.</summary>
/// <remarks>One writer appends; readers see the rows that were there when their snapshot was taken.</remarks>
internal sealed class FlatVectors : IVectorIndex
{
    public FlatVectors(int dimensions)
        : this(new VectorShape(dimensions, Similarity.Cosine, StoredPrecision.Half))
    {
    }

    public FlatVectors(VectorShape shape, bool stored = true) => Rows = new VectorRows(shape, stored);

    public VectorRows Rows { get; }

    public VectorShape Shape => Rows.Shape;

    public int Dimensions => Shape.Dimensions;

    public long Bytes => Rows.Bytes;

    /// <summary>Gives a row its vector, unless that has no direction. Rows rise from call to call; those left out have none.</summary>
    public void Set(int row, ReadOnlySpan<Half> vector) => Rows.Set(row, vector);

    /// <summary>The row's vector; empty where it has none.</summary>
    public ReadOnlySpan<Half> this[int row] => Rows.Table.BlockOf(row) is { } block ? block.HalvesOf(row % VectorBlock.Rows) : [];

    public void Search(VectorQuery query, int rows, ReadOnlySpan<ulong> allowed, int k, Action<int, double> offer)
    {
        if (query.Dimensions == Dimensions && rows > 0 && k > 0)
        {
            ExactScan.Search(Rows.Table, Shape, query, rows, allowed, k, offer);
        }
    }

    /// <summary>Searches for several queries, reading the rows once for eight of them; the first number offered is the query's.</summary>
    public void Search(ReadOnlySpan<VectorQuery> queries, int rows, ReadOnlySpan<ulong> allowed, int k, Action<int, int, double> offer)
    {
        if (rows > 0 && k > 0)
        {
            ExactScan.Search(Rows.Table, Shape, queries, rows, allowed, k, offer);
        }
    }

    public double? Score(VectorQuery query, int row)
    {
        return query.Dimensions == Dimensions && Rows.Table is var table && table.Has(row)
            ? table.BlockOf(row)!.Exact(query, row % VectorBlock.Rows)
            : null;
    }
}
