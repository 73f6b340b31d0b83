namespace RagCluster.Retrieval.Fusion;

/// <summary>What each kind of evidence adds to a passage's score in a hybrid search, in parts of what the best one has by words. See <see cref="EvidenceFusion"/>.</summary>
/// <remarks>
/// The defaults were chosen on CACM, CISI, ADI and InsuranceQA together with the embedded embedder; around them quality is
/// flat. <c>ragcluster eval fit</c> finds those of a collection of one's own.
/// </remarks>
public sealed record FusionWeights
{
    /// <summary>The share of the similarity of vectors, from 0 to 1; the rest is that of words.</summary>
    public double Vector { get; init; } = 0.1;

    /// <summary>For the query's words one after the other.</summary>
    public double Order { get; init; } = 0.15;

    /// <summary>For the query's words near each other.</summary>
    public double Nearness { get; init; } = 0.1;

    /// <summary>For the scores of the passages of other documents that say much the same.</summary>
    public double Similar { get; init; } = 0.25;

    /// <summary>For the score of the passage before or behind it, whichever is better.</summary>
    public double Adjacent { get; init; } = 0.15;

    public static FusionWeights Default { get; } = new();
}
