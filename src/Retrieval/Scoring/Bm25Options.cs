using RagCluster.Retrieval.Index;

namespace RagCluster.Retrieval.Scoring;

/// <summary>
/// The parameters of BM25F (Robertson, Zaragoza, Taylor, "Simple BM25 extension to multiple weighted fields", 2004;
/// Robertson, Zaragoza, "The Probabilistic Relevance Framework", 2009, section 3.6):
/// <code>
/// tf(t,d)    = sum over fields f of weight_f * tf_f(t,d) / (1 - b_f + b_f * length_f(d) / averageLength_f)
/// score(q,d) = sum over terms t of count_q(t) * ln(1 + (N - n_t + 0.5) / (n_t + 0.5)) * (k1 + 1) * tf(t,d) / (k1 + tf(t,d))
/// </code>
/// </summary>
public sealed record Bm25Options
{
    /// <summary>How slowly repetition saturates.</summary>
    public float K1 { get; init; } = 1.2f;

    /// <summary>How much long fields are held against a chunk, from 0 to 1.</summary>
    public PerField<float> B { get; init; } = new(Body: 0.75f, Title: 0.75f, Headings: 0.75f);

    /// <summary>What an occurrence in a field counts.</summary>
    public PerField<float> Weight { get; init; } = new(Body: 1f, Title: 1f, Headings: 1f);

    public static Bm25Options Default { get; } = new();
}
