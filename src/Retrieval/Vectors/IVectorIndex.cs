namespace RagCluster.Retrieval.Vectors;

/// <summary>
/// The vectors of one segment that have so many dimensions, row i belonging to chunk i; not every chunk has one. The exact scan is one way to search them; a graph is
/// another, and comes behind the same door.
/// </summary>
internal interface IVectorIndex
{
    int Dimensions { get; }

    /// <summary>
    /// Offers the <paramref name="k"/> rows most like the query, among the first <paramref name="rows"/> rows whose bit
    /// is set in <paramref name="allowed"/> (all, where it is empty). Offering more than k is allowed; the score is
    /// always the exact cosine.
    /// </summary>
    void Search(VectorQuery query, int rows, ReadOnlySpan<ulong> allowed, int k, Action<int, double> offer);

    /// <summary>The cosine of a row and the query; null where the row has no direction.</summary>
    double? Score(VectorQuery query, int row);
}
