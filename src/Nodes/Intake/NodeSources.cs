using RagCluster.Actors;
using RagCluster.Actors.Documents;
using RagCluster.Configuration.Options;
using RagCluster.Ingestion.Pipeline;
using RagCluster.Ingestion.Sources;
using RagCluster.Kafka.Consuming;
using RagCluster.Kafka.DeadLetters;
using RagCluster.Messages;
using RagCluster.Nodes.Hosting;

namespace RagCluster.Nodes.Intake;

/// <summary>The sources that this node reads by itself, as its configuration says. Each has a pipeline; all end in the same steps.</summary>
internal sealed class NodeSources(PipelineSteps steps, IDocumentSink sink, TimeProvider time, ILoggerFactory loggers)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, (SourcePipeline Pipeline, string Kind, TenantId? Tenant)> _sources = new(StringComparer.Ordinal);
    private List<IDisposable> _held = [];

    public PipelineSteps Steps => steps;

    /// <summary>Looks at and sends back Kafka's dead letters; null where this node does not read Kafka.</summary>
    public DeadLetterDesk? DeadLetters { get; private set; }

    /// <summary>Starts what the configuration names, if this node has the role ingestion.</summary>
    /// <exception cref="Kafka.KafkaUnavailableException">Kafka cannot be used on this machine or as configured.</exception>
    /// <exception cref="IOException">The file of a secret cannot be read.</exception>
    public static NodeSources Start(RagClusterOptions options, Cast cast, TimeProvider time, ILoggerFactory loggers)
    {
        var sources = new NodeSources(cast.Steps, new DocumentSink(cast.Documents), time, loggers);
        if (options.Node.Roles.Contains(NodeRoles.Ingestion) && options.Kafka.Consume.Topics.Count > 0)
        {
            sources.AddKafka(options);
        }

        if (options.Node.Roles.Contains(NodeRoles.Ingestion))
        {
            sources._held.AddRange(ConfiguredSources.AddTo(sources, options, time, loggers));
        }

        return sources;
    }

    /// <summary>Reads a source from now on.</summary>
    /// <param name="name">By which operators know it; unique on the node.</param>
    /// <param name="kind">Such as "kafka", "sitemap" or "s3".</param>
    /// <param name="tenant">Whose the items are that name no tenant themselves.</param>
    public void Add(string name, string kind, IDocumentSource source, TenantId? tenant, SourcePipelineOptions? options = null)
    {
        var pipeline = new SourcePipeline(name, source, tenant, sink, options ?? new SourcePipelineOptions(), steps, time, loggers.CreateLogger<SourcePipeline>());
        lock (_lock)
        {
            _sources.Add(name, (pipeline, kind, tenant));
        }

        pipeline.Start();
    }

    public IReadOnlyList<(SourcePipeline Pipeline, string Kind, TenantId? Tenant)> All()
    {
        lock (_lock)
        {
            return [.. _sources.Values.OrderBy(s => s.Pipeline.Name, StringComparer.Ordinal)];
        }
    }

    /// <summary>Lets go of every source, so that other nodes go on with them, and ends what was read, for so long at most.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        await Task.WhenAll(All().Select(s => s.Pipeline.StopAsync(patience)));
        foreach (var held in Interlocked.Exchange(ref _held, []))
        {
            held.Dispose();
        }
    }

    private void AddKafka(RagClusterOptions options)
    {
        var consume = options.Kafka.Consume;
        var connection = KafkaMapping.Connection(options.Kafka);
        var letters = new DeadLetterTopic(connection, consume.DeadLetterTopic, time, loggers.CreateLogger<DeadLetterTopic>());
        _held.Add(letters);
        DeadLetters = new DeadLetterDesk(connection, consume.DeadLetterTopic, consume.Group);
        Add(
            "kafka",
            "kafka",
            new KafkaSource(connection, KafkaMapping.Source(options), letters, time, loggers.CreateLogger<KafkaSource>()),
            null,
            new SourcePipelineOptions { Lanes = consume.Receivers, MaxAttempts = consume.MaxAttempts });
    }
}
