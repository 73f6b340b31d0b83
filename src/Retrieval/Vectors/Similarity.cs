namespace RagCluster.Retrieval.Vectors;

/// <summary>What makes two vectors alike. Scores are greater for what is more alike, whichever it is.</summary>
public enum Similarity
{
    /// <summary>The cosine of the angle, from -1 to 1. Vectors without direction are like nothing and never found.</summary>
    Cosine,

    /// <summary>The sum of products.</summary>
    Dot,

    /// <summary>The squared Euclidean distance, negated: 0 for equal vectors, less for others.</summary>
    Euclidean,
}

/// <summary>In what form vectors are kept for the exact scores; beside it there are always codes of one byte a dimension for the search.</summary>
public enum StoredPrecision
{
    /// <summary>IEEE 754 binary16.</summary>
    Half,

    /// <summary>IEEE 754 binary32.</summary>
    Single,
}
