using RagCluster.Inference.Prompting;

namespace RagCluster.Actors.Inference;

/// <summary>Writes answers with the tenant's model, in turn with what others want of the same endpoint.</summary>
public interface IGenerator
{
    /// <summary>Names the model; recorded with every answer.</summary>
    string Model { get; }

    /// <summary>
    /// The answer in pieces, as the model writes them. Ends without an exception only if the model said that it is
    /// done: what was cut off is never taken for complete. Cancelling stops the endpoint's work.
    /// </summary>
    /// <exception cref="RagCluster.Inference.InferenceException">The endpoint failed; its code says how.</exception>
    IAsyncEnumerable<string> GenerateAsync(GroundedPrompt prompt, CancellationToken cancellationToken);
}
