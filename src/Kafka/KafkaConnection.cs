using Confluent.Kafka;

namespace RagCluster.Kafka;

/// <summary>Where the brokers are, and whatever else librdkafka is to be told about the way to them.</summary>
public sealed record KafkaConnection
{
    /// <summary>As librdkafka takes them: "host:port,host:port".</summary>
    public required string BootstrapServers { get; init; }

    /// <summary>Shown by brokers in their logs and metrics.</summary>
    public string ClientId { get; init; } = "ragcluster";

    /// <summary>Further settings by librdkafka's own names, such as "security.protocol" and "sasl.password".</summary>
    public IReadOnlyDictionary<string, string> Properties { get; init; } = new Dictionary<string, string>();

    internal T ApplyTo<T>(T config)
        where T : ClientConfig
    {
        config.BootstrapServers = BootstrapServers;
        config.ClientId = ClientId;
        // The default of five minutes keeps an old leader's address long after it moved.
        config.MetadataMaxAgeMs = 60_000;
        config.ReconnectBackoffMaxMs = 2_000;
        config.SocketKeepaliveEnable = true;
        foreach (var (key, value) in Properties)
        {
            config.Set(key, value);
        }

        return config;
    }

    /// <exception cref="KafkaUnavailableException">A property is unknown or has a value that does not fit.</exception>
    internal static T Build<T>(Func<T> build)
    {
        KafkaLibrary.Load();
        try
        {
            return build();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or KafkaException)
        {
            throw new KafkaUnavailableException($"The Kafka client does not take its settings (ragcluster.kafka): {e.Message}", e);
        }
    }
}
