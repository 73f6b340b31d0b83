using System.Text;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;

namespace RagCluster.Kafka.Publishing;

/// <summary>An event to publish.</summary>
/// <param name="Key">Events of one key stay in order.</param>
/// <param name="Id">The same for the same event whenever it is published: consumers recognise what they get twice.</param>
/// <param name="Json">UTF-8.</param>
public sealed record PublishedEvent(string Topic, string Key, string Id, string Type, string Tenant, ReadOnlyMemory<byte> Json);

/// <summary>Publishes events to Kafka, at least once and for each key in order.</summary>
public sealed partial class EventTopic : IDisposable
{
    private readonly IProducer<byte[], byte[]> _producer;
    private readonly ILogger _logger;

    /// <exception cref="KafkaUnavailableException">The client does not take its settings.</exception>
    public EventTopic(KafkaConnection connection, ILogger<EventTopic> logger)
    {
        _logger = logger;
        _producer = KafkaConnection.Build(() => new ProducerBuilder<byte[], byte[]>(connection.ApplyTo(new ProducerConfig
        {
            Acks = Acks.All,
            EnableIdempotence = true,
            LingerMs = 5,
            CompressionType = CompressionType.Lz4,
            MessageTimeoutMs = 30_000,
        })).SetErrorHandler((_, error) => LibraryError(error.Code.ToString(), error.Reason)).SetLogHandler((_, message) => LibrarySaid(message.Facility, message.Message)).Build());
    }

    /// <summary>Completes when the brokers have every one of them.</summary>
    /// <exception cref="KafkaException">They do not have all of them; publish all again.</exception>
    public async Task PublishAsync(IReadOnlyList<PublishedEvent> events, CancellationToken cancellationToken)
    {
        var deliveries = new List<Task>(events.Count);
        foreach (var e in events)
        {
            deliveries.Add(_producer.ProduceAsync(e.Topic, Message(e), cancellationToken));
        }

        await Task.WhenAll(deliveries);
    }

    public void Dispose() => _producer.Dispose();

    private static Message<byte[], byte[]> Message(PublishedEvent e) => new()
    {
        Key = Encoding.UTF8.GetBytes(e.Key),
        Value = e.Json.ToArray(),
        Headers = new Headers
        {
            { "id", Encoding.UTF8.GetBytes(e.Id) },
            { "type", Encoding.UTF8.GetBytes(e.Type) },
            { "tenant", Encoding.UTF8.GetBytes(e.Tenant) },
            { "content-type", "application/json"u8.ToArray() },
        },
    };

    [LoggerMessage(4231, LogLevel.Warning, "Publishing events: {Code}: {Reason}")]
    private partial void LibraryError(string code, string reason);

    [LoggerMessage(4232, LogLevel.Debug, "librdkafka {Facility}: {Message}")]
    private partial void LibrarySaid(string facility, string message);
}
