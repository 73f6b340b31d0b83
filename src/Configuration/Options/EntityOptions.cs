using RagCluster.Configuration.Binding;

namespace RagCluster.Configuration.Options;

public sealed record ConversationOptions
{
    [Within("1", "10000")]
    public int Shards { get; init; } = 16;

    [Within("1s", "30d", OrNever = true)]
    public TimeSpan PassivateAfter { get; init; } = TimeSpan.FromMinutes(10);

    [Within("16", "10000000")]
    public int MaxLive { get; init; } = 2_000;

    [Within("1", "1000000")]
    public int MaxQuestionChars { get; init; } = 16_000;

    [Within("0", "1000")]
    public int HistoryTurns { get; init; } = 6;

    [Within("1s", "1h")]
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromMinutes(3);

    [Within("1", "1000000")]
    public int SnapshotEvery { get; init; } = 500;
}

public sealed record DocumentOptions : IChecked
{
    [Within("1", "10000")]
    public int Shards { get; init; } = 16;

    [Within("1s", "30d", OrNever = true)]
    public TimeSpan PassivateAfter { get; init; } = TimeSpan.FromMinutes(2);

    [Within("16", "10000000")]
    public int MaxLive { get; init; } = 2_000;

    [Within("1KiB", "2047MiB")]
    public ByteSize MaxBytes { get; init; } = ByteSize.MiB(50);

    [Within("1", "1000")]
    public int MaxAttempts { get; init; } = 5;

    public BackoffOptions RetryBackoff { get; init; } = new() { Min = TimeSpan.FromSeconds(1), Max = TimeSpan.FromMinutes(5) };

    [Within("1", "100000")]
    public int MaxInFlight { get; init; } = 256;

    public IEnumerable<(string Key, string Expected)> Problems() => RetryBackoff.Problems("retry-backoff");
}

/// <summary>Index partitions.</summary>
public sealed record PartitionOptions
{
    [Within("1", "1024")]
    public int PerTenant { get; init; } = 1;

    [Within("1", "10000")]
    public int Shards { get; init; } = 16;

    [Within("1", "1000000")]
    public int SnapshotEvery { get; init; } = 2_000;

    [Within("1s", "30d", OrNever = true)]
    public TimeSpan PassivateAfter { get; init; } = Timeout.InfiniteTimeSpan;
}
