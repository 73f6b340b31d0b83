namespace RagCluster.Inference.Batching;

/// <summary>Who waits for an item's result.</summary>
public enum BatchPriority
{
    /// <summary>A person: goes before ingestion, and waits for company only shortly.</summary>
    Interactive,

    /// <summary>A pipeline: fills up batches.</summary>
    Ingestion,
}

/// <summary>How large batches become and how long items wait for them.</summary>
public sealed record BatchLimits
{
    /// <summary>Items in a batch, at most.</summary>
    public int MaxItems { get; init; } = 64;

    /// <summary>Tokens in a batch, at most; an item that has more goes alone.</summary>
    public int MaxTokens { get; init; } = 8192;

    /// <summary>How long an ingestion item waits for a batch to fill while a slot is free.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromMilliseconds(5);

    /// <summary>The same for an interactive item.</summary>
    public TimeSpan InteractiveDelay { get; init; } = TimeSpan.Zero;

    /// <summary>Items of each priority that wait, at most.</summary>
    public int Capacity { get; init; } = 1024;

    /// <summary>Batches at the endpoint at the same time, at most.</summary>
    public int MaxInFlight { get; init; } = 1;

    /// <summary>From how many batches' worth of waiting ingestion items one batch of similar lengths is picked; 1 keeps the order.</summary>
    public int Lookahead { get; init; } = 4;

    /// <summary>What is wrong with these limits, one sentence each; empty if nothing is.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        foreach (var (name, value) in new[] { ("items in a batch", MaxItems), ("tokens in a batch", MaxTokens), ("waiting items", Capacity), ("batches in flight", MaxInFlight), ("batches looked ahead", Lookahead) })
        {
            if (value < 1)
            {
                problems.Add($"The greatest number of {name} is at least 1; this is {value}.");
            }
        }

        if (MaxDelay < TimeSpan.Zero || InteractiveDelay < TimeSpan.Zero)
        {
            problems.Add("A batch's delay is not negative.");
        }

        return problems;
    }
}
