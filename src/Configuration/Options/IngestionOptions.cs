using RagCluster.Configuration.Binding;

namespace RagCluster.Configuration.Options;

public sealed record IngestionOptions
{
    [Within("1", "256")]
    public int ParseWorkers { get; init; } = 2;

    [Within("100ms", "10m")]
    public TimeSpan ParseTimeout { get; init; } = TimeSpan.FromSeconds(10);

    [Within("32MiB", "16GiB")]
    public ByteSize ParseMemory { get; init; } = ByteSize.MiB(256);

    [Within("1", "1000000000")]
    public int MaxCharacters { get; init; } = 20_000_000;

    [Within("1", "1000")]
    public int Concurrency { get; init; } = 32;

    public ChunkOptions Chunk { get; init; } = new();

    public WatchOptions Watch { get; init; } = new();

    public WebOptions Web { get; init; } = new();

    public S3Options S3 { get; init; } = new();

    public bool SamplesOnFirstStart { get; init; } = true;
}

/// <summary>Sizes in the tokens of the chunker.</summary>
public sealed record ChunkOptions : IChecked
{
    [Within("16", "8192")]
    public int TargetTokens { get; init; } = 180;

    [Within("16", "8192")]
    public int MaxTokens { get; init; } = 300;

    [Within("0", "4096")]
    public int OverlapTokens { get; init; }

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (MaxTokens < TargetTokens)
        {
            yield return ("max-tokens", "at least target-tokens");
        }

        if (OverlapTokens >= TargetTokens)
        {
            yield return ("overlap-tokens", "less than target-tokens, or a chunk would only repeat the one before");
        }
    }
}

/// <summary>Watched folders.</summary>
public sealed record WatchOptions
{
    [Within("10ms", "10m")]
    public TimeSpan Debounce { get; init; } = TimeSpan.FromMilliseconds(500);

    [Within("1s", "24h", OrNever = true)]
    public TimeSpan Rescan { get; init; } = TimeSpan.FromMinutes(1);
}
