namespace RagCluster.Inference.Prompting;

/// <summary>How much a prompt may hold, in approximate tokens (TokenCounter, within a tenth of what models count).</summary>
public sealed record PromptBudget
{
    /// <summary>Of the whole prompt: rules, history, passages and question.</summary>
    public int MaxTokens { get; init; } = 3_000;

    /// <summary>Of that, what the conversation before may take at most.</summary>
    public int HistoryTokens { get; init; } = 600;
}

/// <param name="Prompt">What the model is given.</param>
/// <param name="Sources">The prompt's passages with their scores, in the same order.</param>
/// <param name="LeftOut">How many passages found no room.</param>
public sealed record PackedPrompt(GroundedPrompt Prompt, IReadOnlyList<Messages.ScoredPassage> Sources, int LeftOut);
