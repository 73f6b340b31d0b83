using RagCluster.Actors.Conversations;
using RagCluster.Actors.Documents;
using RagCluster.Actors.Publication;
using RagCluster.Configuration.Options;
using RagCluster.Kafka;
using RagCluster.Kafka.Consuming;
using RagCluster.Kafka.Publishing;
using RagCluster.Kafka.Records;

namespace RagCluster.Nodes.Hosting;

/// <summary>From the configuration's words to Kafka's.</summary>
internal static class KafkaMapping
{
    /// <exception cref="IOException">The file of further properties cannot be read.</exception>
    public static KafkaConnection Connection(KafkaOptions options) => new()
    {
        BootstrapServers = string.Join(',', options.BootstrapServers),
        ClientId = options.ClientId,
        Properties = options.PropertiesFile is { } file ? Properties(file) : new Dictionary<string, string>(),
    };

    public static KafkaSourceOptions Source(RagClusterOptions options)
    {
        var consume = options.Kafka.Consume;
        var identity = OptionsMapping.Identity(options);
        var open = identity.Open?.Tenant.Value;
        return new KafkaSourceOptions
        {
            Topics = consume.Topics,
            Group = consume.Group,
            Instance = consume.StaticMembership ? options.Node.Name : null,
            StartAt = consume.StartAt == KafkaStart.Latest ? StartAt.Latest : StartAt.Earliest,
            MaxInFlightPerPartition = consume.MaxInFlightPerPartition,
            MaxInFlightBytes = consume.MaxInFlightBytes.Bytes,
            SessionTimeout = consume.SessionTimeout,
            CommitEvery = consume.CommitInterval,
            Records = new RecordReaderOptions
            {
                Format = consume.Format switch { KafkaFormat.Envelope => RecordFormat.Envelope, KafkaFormat.Raw => RecordFormat.Raw, _ => RecordFormat.Auto },
                Tenant = consume.Tenant ?? open,
                Tenants = new HashSet<string>([.. consume.Tenants, .. identity.Tokens.Select(t => t.Tenant.Value), .. open is null ? Array.Empty<string>() : [open]], StringComparer.Ordinal),
                MaxBytes = options.Documents.MaxBytes.Bytes,
                ReferenceFolder = consume.ReferenceFolder,
            },
        };
    }

    /// <summary>Null where no events are wanted.</summary>
    public static KafkaEventSink? Events(KafkaOptions options, ILoggerFactory loggers)
    {
        var topics = new Dictionary<string, string>();
        if (options.Events.DocumentsTopic is { } documents)
        {
            topics[Document.Type] = documents;
        }

        if (options.Events.ConversationsTopic is { } conversations)
        {
            topics[Conversation.Type] = conversations;
        }

        return topics.Count == 0 ? null : new KafkaEventSink(new EventTopic(Connection(options), loggers.CreateLogger<EventTopic>()), topics);
    }

    private static Dictionary<string, string> Properties(string file) => File.ReadLines(file)
        .Select(line => line.Trim())
        .Where(line => line.Length > 0 && line[0] != '#')
        .Select(line => line.Split('=', 2))
        .ToDictionary(pair => pair[0].Trim(), pair => pair.Length == 2 ? pair[1].Trim() : throw new IOException($"{file}: \"{pair[0]}\" is no line of the form key=value."));
}

/// <summary>Events of the logs, to the topics of their types.</summary>
internal sealed class KafkaEventSink(EventTopic events, IReadOnlyDictionary<string, string> topics) : IEventSink, IDisposable
{
    public IReadOnlySet<string> Sources { get; } = new HashSet<string>(topics.Keys);

    public async ValueTask PublishAsync(IReadOnlyList<OutgoingEvent> outgoing, CancellationToken cancellationToken) =>
        await events.PublishAsync([.. outgoing.Select(e => new PublishedEvent(topics[e.Source], e.Key, e.Id, e.Type, e.Tenant, e.Json))], cancellationToken);

    public void Dispose() => events.Dispose();
}
