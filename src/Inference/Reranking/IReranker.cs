namespace RagCluster.Inference.Reranking;

/// <summary>Judges how well texts answer a query, by reading both together.</summary>
public interface IReranker : IDisposable
{
    string Model { get; }

    /// <summary>
    /// One score for each text, in the order of the texts; higher is more relevant. The scale is the model's own:
    /// compare scores of one call only.
    /// </summary>
    /// <exception cref="InferenceException">The endpoint failed; its code says how.</exception>
    ValueTask<IReadOnlyList<float>> ScoreAsync(string query, IReadOnlyList<string> texts, CancellationToken cancellationToken);
}
