using RagCluster.Inference.Prompting;
using RagCluster.Messages;

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

    /// <inheritdoc cref="GenerateAsync(GroundedPrompt, CancellationToken)"/>
    /// <remarks>
    /// What fails before its first piece is asked again, elsewhere if there is another endpoint, until the call's patience
    /// ends. What fails after it is continued where <see cref="RagCluster.Inference.Routing.EndpointProfile"/> says that
    /// endpoints can, and is otherwise a failure of the code CutStream: the pieces given so far are void, and whoever
    /// shows them may ask for a whole answer again.
    /// </remarks>
    IAsyncEnumerable<string> GenerateAsync(GroundedPrompt prompt, GenerationCall call, CancellationToken cancellationToken) =>
        GenerateAsync(prompt, cancellationToken);

    /// <summary>Why a question of this tenant would be refused at the moment; null if it would not. For saying so before it is accepted.</summary>
    ValueTask<RagCluster.Inference.InferenceException?> RefusalAsync(TenantId tenant, CancellationToken cancellationToken) => ValueTask.FromResult<RagCluster.Inference.InferenceException?>(null);
}

/// <summary>On whose account an answer is written, and what came of it.</summary>
public sealed class GenerationCall
{
    public TenantId? Tenant { get; init; }

    /// <summary>Prompts of one value begin with the same text, so that an endpoint that has read it is preferred; empty for none.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>How long to wait for the first piece; null for what is configured.</summary>
    public TimeSpan? Patience { get; init; }

    /// <summary>The model that wrote the answer, which may be one to fall back on; null before its first piece.</summary>
    public string? Model { get; internal set; }

    /// <summary>The endpoint that wrote the answer, or its end; null before its first piece.</summary>
    public string? Endpoint { get; internal set; }
}
