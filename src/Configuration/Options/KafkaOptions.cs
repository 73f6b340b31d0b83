using RagCluster.Configuration.Binding;

namespace RagCluster.Configuration.Options;

/// <summary>Kafka as a source of documents, and as a place where events go.</summary>
public sealed record KafkaOptions : IChecked
{
    [Within("0", "100")]
    public IReadOnlyList<string> BootstrapServers { get; init; } = [];

    [Within("1", "200")]
    public string ClientId { get; init; } = "ragcluster";

    /// <summary>A file of lines key=value, by librdkafka's names; may hold passwords.</summary>
    public string? PropertiesFile { get; init; }

    public KafkaConsumeOptions Consume { get; init; } = new();

    public KafkaEventsOptions Events { get; init; } = new();

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (BootstrapServers.Count == 0 && (Consume.Topics.Count > 0 || Events.DocumentsTopic is not null || Events.ConversationsTopic is not null))
        {
            yield return ("bootstrap-servers", "at least one broker, such as \"kafka-1:9092\", because topics are named");
        }
    }
}

public sealed record KafkaConsumeOptions
{
    [Within("0", "100")]
    public IReadOnlyList<string> Topics { get; init; } = [];

    [Within("1", "249")]
    public string Group { get; init; } = "ragcluster";

    public bool StaticMembership { get; init; } = true;

    public KafkaStart StartAt { get; init; } = KafkaStart.Earliest;

    public KafkaFormat Format { get; init; } = KafkaFormat.Auto;

    public string? Tenant { get; init; }

    [Within("0", "10000")]
    public IReadOnlyList<string> Tenants { get; init; } = [];

    [Within("1", "249")]
    public string DeadLetterTopic { get; init; } = "ragcluster.dead-letters";

    [Within("1", "100")]
    public int MaxAttempts { get; init; } = 5;

    [Within("1", "1024")]
    public int Receivers { get; init; } = 64;

    [Within("1", "100000")]
    public int MaxInFlightPerPartition { get; init; } = 500;

    [Within("1MiB", "16GiB")]
    public ByteSize MaxInFlightBytes { get; init; } = ByteSize.MiB(64);

    [Within("1s", "5m")]
    public TimeSpan SessionTimeout { get; init; } = TimeSpan.FromSeconds(10);

    [Within("100ms", "1m")]
    public TimeSpan CommitInterval { get; init; } = TimeSpan.FromSeconds(1);

    public string? ReferenceFolder { get; init; }
}

/// <summary>Where a partition is begun of which nothing was ever committed.</summary>
public enum KafkaStart
{
    Earliest,
    Latest,
}

public enum KafkaFormat
{
    /// <summary>By the header content-type of each record.</summary>
    Auto,
    Envelope,
    Raw,
}

public sealed record KafkaEventsOptions
{
    public string? DocumentsTopic { get; init; }

    public string? ConversationsTopic { get; init; }
}
