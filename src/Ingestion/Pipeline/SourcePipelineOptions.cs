namespace RagCluster.Ingestion.Pipeline;

/// <summary>How a source is drained into the sink.</summary>
public sealed record SourcePipelineOptions
{
    /// <summary>How many items are handed over at a time; items of one document always one after the other.</summary>
    public int Lanes { get; init; } = 64;

    /// <summary>How many items wait in each lane; beyond, the source waits.</summary>
    public int LaneCapacity { get; init; } = 8;

    /// <summary>How often an item is tried that fails for a reason of its own, before it is refused.</summary>
    public int MaxAttempts { get; init; } = 5;

    /// <summary>The wait before the second attempt; it doubles with each further one.</summary>
    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(200);

    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long after a source has failed it is read again; a source that ends is not.</summary>
    public TimeSpan RestartAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many refused items are kept to be looked at.</summary>
    public int KeptRefusals { get; init; } = 1000;
}
