using System.Runtime.CompilerServices;

namespace RagCluster.Retrieval.Vectors.Graphs;

/// <summary>The addresses of a graph and its vectors as one walk uses them. Valid while <see cref="Owners"/> are kept alive.</summary>
internal readonly unsafe struct GraphSpace
{
    private readonly nint* _codes;
    private readonly nint* _base;
    private readonly nint* _upper;
    private readonly int* _nodes;
    private readonly int _upperWidth;
    private readonly bool _hasLengths;
    private readonly nint _lengthsAt;
    private readonly nint _scalesAt;

    public GraphSpace(VectorRows rows, BaseLevel lowest, UpperLevels upper)
    {
        var (table, links, places) = (rows.Table, lowest.Blocks, upper.Places);
        Owners = (table, links, places);
        (_upperWidth, BaseWidth, Stride) = (upper.Width, lowest.Width, rows.Shape.Stride);
        _codes = table.Codes;
        _base = links.Links;
        _upper = places.Links;
        _nodes = places.Nodes;
        _lengthsAt = (nint)VectorBlock.Rows * Stride;
        _scalesAt = _lengthsAt + (VectorBlock.Rows * sizeof(double));
        BaseIds = Math.Min(table.Rows, links.Memory.Length * VectorBlock.Rows);
        UpperIds = places.Capacity;
        _hasLengths = rows.Shape.Similarity != Similarity.Cosine;
        Euclidean = rows.Shape.Similarity == Similarity.Euclidean;
    }

    public (RowTable Codes, BaseLevel.Table Links, UpperLevels.Table Places) Owners { get; }

    public int Stride { get; }

    public int BaseWidth { get; }

    public bool Euclidean { get; }

    /// <summary>Nodes from here on came after the walk began and are not followed.</summary>
    public int BaseIds { get; }

    public int UpperIds { get; }

    public int IdsOf(int level) => level == 0 ? BaseIds : UpperIds;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public sbyte* Codes(int node) => (sbyte*)(_codes[node >> VectorBlock.Shift] + ((nint)(node & (VectorBlock.Rows - 1)) * Stride));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float* Scale(int node) => (float*)(_codes[node >> VectorBlock.Shift] + _scalesAt) + (node & (VectorBlock.Rows - 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Length(int node) => (float)((double*)(_codes[node >> VectorBlock.Shift] + _lengthsAt))[node & (VectorBlock.Rows - 1)];

    /// <summary>The length of what is coded: 1 with cosines.</summary>
    public double LengthOf(int node) => _hasLengths ? Length(node) : 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int* BaseLinks(int node) => (int*)_base[node >> VectorBlock.Shift] + ((node & (VectorBlock.Rows - 1)) * BaseWidth);

    /// <summary>The links of a node on the lowest level, or of a place on another one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int* Links(int level, int id) => level == 0 ? BaseLinks(id) : (int*)_upper[id] + ((level - 1) * _upperWidth);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int NodeOf(int level, int id) => level == 0 ? id : _nodes[id];

    public int WidthOf(int level) => level == 0 ? BaseWidth : _upperWidth;

    /// <summary>
    /// How like a node is to the query that the dot product was computed with, by codes. With Euclidean distances the
    /// squared length of the query is left out.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Score(int node, int dot, float factor)
    {
        var product = dot * (*Scale(node) * factor);
        if (!Euclidean)
        {
            return product;
        }

        var length = Length(node);
        return product - (length * length);
    }

    /// <summary>What a query's step is multiplied with to give the factor of its scores.</summary>
    public float FactorOf(float step) => Euclidean ? 2 * step : step;

    /// <summary>The distance that links are chosen by, from a score: one minus the product, or the square of the distance.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public float Distance(float score, float queryLength) => Euclidean ? (queryLength * queryLength) - score : 1 - score;

    public void KeepAlive()
    {
        GC.KeepAlive(Owners.Codes);
        GC.KeepAlive(Owners.Links);
        Owners.Places.KeepAlive();
    }
}
