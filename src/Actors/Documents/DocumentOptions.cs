namespace RagCluster.Actors.Documents;

/// <summary>How documents are taken in.</summary>
public sealed record DocumentOptions
{
    /// <summary>The largest content taken, in bytes.</summary>
    public long MaxBytes { get; init; } = 50L << 20;

    /// <summary>How many documents of this node are processed at the same time.</summary>
    public int Concurrency { get; init; } = 4;

    /// <summary>How many documents a source of this node hands over at a time.</summary>
    public int Receivers { get; init; } = 64;

    /// <summary>How many documents of this node may be received and not yet indexed; beyond it, sources wait.</summary>
    public int MaxInFlight { get; init; } = 256;

    /// <summary>How long a source waits before it offers a document again whose owner had too many; it doubles up to <see cref="MaxBusyPause"/>.</summary>
    public TimeSpan MinBusyPause { get; init; } = TimeSpan.FromMilliseconds(50);

    public TimeSpan MaxBusyPause { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long the index is asked again while it is not there, before that counts as a failed attempt.</summary>
    public TimeSpan IndexPatience { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>How often a version is tried when its failure may pass.</summary>
    public int MaxAttempts { get; init; } = 6;

    /// <summary>The wait before the second attempt; it doubles with each further one.</summary>
    public TimeSpan MinRetryBackoff { get; init; } = TimeSpan.FromSeconds(2);

    public TimeSpan MaxRetryBackoff { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How many chunks go to the embedder in one request.</summary>
    public int EmbedBatch { get; init; } = 64;

    /// <summary>How long a caller waits for a document's or partition's reply.</summary>
    public TimeSpan AskTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long to wait after the given failed attempt (from 1); null when it was the last.</summary>
    public TimeSpan? RetryAfter(int attempt) =>
        attempt >= MaxAttempts
            ? null
            : TimeSpan.FromTicks(Math.Min(MaxRetryBackoff.Ticks, MinRetryBackoff.Ticks << Math.Min(attempt - 1, 30)));
}
