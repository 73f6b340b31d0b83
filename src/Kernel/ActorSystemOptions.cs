namespace RagCluster.Kernel;

public sealed record ActorSystemOptions
{
    /// <summary>How many dead letters are kept to be shown.</summary>
    public int DeadLettersKept { get; init; } = 100;

    /// <summary>Further ones within the same second are counted and their number comes with the next line.</summary>
    public int DeadLetterLogsPerSecond { get; init; } = 5;

    internal ActorSystemOptions Validated()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(DeadLettersKept);
        ArgumentOutOfRangeException.ThrowIfNegative(DeadLetterLogsPerSecond);
        return this;
    }
}
