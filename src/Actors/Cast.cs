using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using RagCluster.Actors.Catalog;
using RagCluster.Actors.Conversations;
using RagCluster.Actors.Documents;
using RagCluster.Actors.Inference;
using RagCluster.Actors.Partitions;
using RagCluster.Actors.Publication;
using RagCluster.Actors.Search;
using RagCluster.Inference.Embedded;
using RagCluster.Inference.Endpoints;
using RagCluster.Inference.Prompting;
using RagCluster.Inference.Reranking;
using RagCluster.Ingestion.Chunking;
using RagCluster.Ingestion.Parsing;
using RagCluster.Ingestion.Pipeline;
using RagCluster.Kernel;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors;

/// <summary>What the cast stands on: given by the node, or by a simulator. Whatever is awaited here comes back to the runtime's threads.</summary>
/// <param name="Embeddings">Disposed of with the cast, as <paramref name="Chat"/> is.</param>
public sealed record Stage(
    ActorSystem System,
    ShardedEntities Entities,
    IShardStore Store,
    IBlobStore Blobs,
    IDocumentParser Parser,
    IEmbeddingGenerator<string, Embedding<float>> Embeddings,
    IChatClient Chat,
    ILoggerFactory Loggers)
{
    /// <summary>Asks the model before the current one; disposed of with the cast. Null where there is none, or none that can be asked.</summary>
    public IEmbeddingGenerator<string, Embedding<float>>? FormerEmbeddings { get; init; }

    /// <summary>Makes this node's lists; disposed of with the cast.</summary>
    public Func<CastOptions, Stage, CancellationToken, Task<ICatalog>> OpenCatalog { get; init; } = SqliteCatalog.OpenAsync;

    /// <summary>What is switched on; all on until somebody says otherwise.</summary>
    public Features.Features Features { get; init; } = new();

    /// <summary>Where texts are embedded, all by the same model; null for <see cref="Embeddings"/> alone. Disposed of with the cast.</summary>
    public IReadOnlyList<EmbeddingEndpoint>? EmbeddingEndpoints { get; init; }

    /// <summary>Where answers are written; null for <see cref="Chat"/> alone. Disposed of with the cast.</summary>
    public IReadOnlyList<GenerationEndpoint>? GenerationEndpoints { get; init; }

    /// <summary>Where the logs' events are published; null where nobody wants them.</summary>
    public IEventSink? Events { get; init; }

    /// <summary>Puts the best of what hybrid searches find into their final order; null leaves them in the fused one. Disposed of with the cast.</summary>
    public IReranker? Reranker { get; init; }

    public IRuntime Runtime => System.Runtime;
}

/// <summary>What a node of a cluster can be for; every node finds the way to all of it.</summary>
public static class CastRoles
{
    public const string Conversations = "conversations";

    public const string Documents = "documents";

    public const string Partitions = "partitions";
}

/// <summary>
/// All actors of a node, put together: inference, partitions, documents, conversations, and the services through which
/// a gateway uses them. The order of starting is that of need: an entity that wakes up with open work finds the
/// regions below it.
/// </summary>
public sealed class Cast : IAsyncDisposable
{
    private readonly Stage _stage;
    private Publications? _publications;

    private Cast(Stage stage) => _stage = stage;

    public required InferenceLayer Inference { get; init; }

    public required IEmbedder Embedder { get; init; }

    public required IGenerator Generator { get; init; }

    public required Searcher Searcher { get; init; }

    public required IAnswering Answering { get; init; }

    public required ConversationService Conversations { get; init; }

    public required DocumentService Documents { get; init; }

    public required ICatalog Catalog { get; init; }

    public required IngestionGate Gate { get; init; }

    /// <summary>What the steps of ingestion do on this node.</summary>
    public required PipelineSteps Steps { get; init; }

    public required PartitionDirectory Partitions { get; init; }

    public required Reembedder Reembedder { get; init; }

    public required CastOptions Options { get; init; }

    /// <exception cref="StoreException">The store does not answer, or holds data of other settings.</exception>
    public static async Task<Cast> StartAsync(CastOptions options, Stage stage, CancellationToken cancellationToken)
    {
        var (system, loggers) = (stage.System, stage.Loggers);
        var inference = InferenceLayer.Start(
            system,
            new InferenceLayerOptions
            {
                EmbeddingBatches = options.EmbeddingBatches,
                MaxQueuedEmbeddings = options.MaxQueuedEmbeddings,
                MaxQueuedAnswers = options.MaxQueuedAnswers,
                MaxOutputTokens = options.MaxOutputTokens,
                Temperature = options.Temperature,
                Policy = options.Inference,
            },
            stage.EmbeddingEndpoints ?? [new(new("embedding-1", options.Embedding) { Capacity = options.EmbeddingBatches.MaxInFlight }, stage.Embeddings)],
            stage.GenerationEndpoints ?? [new(new("generation-1", options.Generation) { Capacity = options.GenerationSlots }, stage.Chat)]);
        var (embedder, generator) = (inference.Embedder, inference.Generator);

        if (options.Shared)
        {
            await SegmentFiles.SweepAsync(options.IndexFolder, stage.Runtime);
        }

        var former = FormerEmbedders(options, stage, embedder.Model);
        var reembedder = new Reembedder(embedder, former, options.ModelChange, stage.Runtime.Time, loggers.CreateLogger<Reembedder>());
        await PartitionDirectory.AgreeAsync(options.PartitionsPerTenant, stage.Store, options.PartitionEntities.Shards, options.Shared, cancellationToken);
        var partitions = new PartitionDirectory(
            await stage.Entities.StartAsync(
                new EntityDefinition<Partition, PartitionState, PartitionCommand, PartitionEvent, PartitionReply>
                {
                    CommandJson = MessagesJson.Default.PartitionCommand,
                    IsLarge = static command => command is IndexChunks,
                    EventJson = MessagesJson.Default.PartitionEvent,
                    ReplyJson = MessagesJson.Default.PartitionReply,
                    StateJson = StatesJson.Default.PartitionState,
                    Role = options.ByRole ? CastRoles.Partitions : null,
                    Behavior = id => new PartitionBehavior(
                        new SegmentFiles(FolderOf(options, id), options.Shared ? stage.Blobs : null, stage.Runtime, options.Search.Analyzer),
                        new SegmentFiles(FolderOf(options, id) + ".next", options.Shared ? stage.Blobs : null, stage.Runtime, options.Search.Analyzer),
                        reembedder,
                        stage.Runtime,
                        loggers.CreateLogger<PartitionBehavior>()),
                    Options = options.PartitionEntities,
                },
                cancellationToken),
            options.PartitionsPerTenant);

        var gate = new IngestionGate(options.Documents);
        var steps = new PipelineSteps(options.Documents.Concurrency, options.Documents.Receivers, stage.Runtime.Time);
        var processor = new DocumentProcessor(stage.Blobs, stage.Parser, new Chunker(options.Chunker), embedder, partitions, gate, steps, options.Documents, stage.Runtime.Time);
        var documents = await stage.Entities.StartAsync(
            new EntityDefinition<Document, DocumentState, DocumentCommand, DocumentEvent, DocumentReply>
            {
                CommandJson = MessagesJson.Default.DocumentCommand,
                EventJson = MessagesJson.Default.DocumentEvent,
                ReplyJson = MessagesJson.Default.DocumentReply,
                StateJson = StatesJson.Default.DocumentState,
                Role = options.ByRole ? CastRoles.Documents : null,
                Behavior = _ => new DocumentBehavior(processor, gate, options.Documents, loggers.CreateLogger<DocumentBehavior>()),
                Options = options.DocumentEntities,
            },
            cancellationToken);

        var searcher = new Searcher(partitions, embedder, options.Search, loggers.CreateLogger<Searcher>(), stage.Reranker, former)
        {
            Features = stage.Features,
            Time = stage.Runtime.Time,
        };
        var answering = new Answering(searcher, generator, new PromptPacker(options.Prompt, options.Templates), options.Search, stage.Runtime.Time);
        var conversations = await stage.Entities.StartAsync(
            new EntityDefinition<Conversation, ConversationState, ConversationCommand, ConversationEvent, ConversationReply>
            {
                CommandJson = MessagesJson.Default.ConversationCommand,
                EventJson = MessagesJson.Default.ConversationEvent,
                ReplyJson = MessagesJson.Default.ConversationReply,
                StateJson = StatesJson.Default.ConversationState,
                Role = options.ByRole ? CastRoles.Conversations : null,
                Behavior = _ => new ConversationBehavior(answering, options.Conversations, loggers.CreateLogger<ConversationBehavior>()),
                Options = options.ConversationEntities,
            },
            cancellationToken);

        return new Cast(stage)
        {
            Inference = inference,
            _publications = stage.Events is { } events ? await Publications.StartAsync(options, stage, events, cancellationToken) : null,
            Embedder = embedder,
            Generator = generator,
            Searcher = searcher,
            Answering = answering,
            Conversations = new ConversationService(conversations, options.Conversations) { Features = stage.Features },
            Documents = new DocumentService(documents, stage.Blobs, gate, options.Documents, stage.Runtime.Time) { Features = stage.Features },
            Catalog = await stage.OpenCatalog(options, stage, cancellationToken),
            Gate = gate,
            Steps = steps,
            Partitions = partitions,
            Reembedder = reembedder,
            Options = options,
        };
    }

    /// <summary>Gives back what the cast holds beside its actors; the actor system and the entities are stopped by who started them.</summary>
    public async ValueTask DisposeAsync()
    {
        _publications?.Dispose();
        await Catalog.DisposeAsync();
        _stage.Reranker?.Dispose();
        await Inference.DisposeAsync();
        Steps.Dispose();
        _stage.Embeddings.Dispose();
        _stage.FormerEmbeddings?.Dispose();
        _stage.Chat.Dispose();
    }

    /// <summary>What can be asked for vectors of models before: the one that is configured as such, and the one that is built in.</summary>
    private static List<IEmbedder> FormerEmbedders(CastOptions options, Stage stage, string current)
    {
        var former = new List<IEmbedder>();
        if (stage.FormerEmbeddings is { } endpoint)
        {
            var configured = options.FormerEmbedding ?? new EndpointOptions();
            var metadata = endpoint.GetService(typeof(EmbeddingGeneratorMetadata)) as EmbeddingGeneratorMetadata;
            former.Add(new DirectEmbedder(endpoint, metadata?.DefaultModelId ?? configured.Model, metadata?.DefaultModelDimensions ?? configured.Dimensions));
        }

        if (current != EmbeddedEmbedder.ModelId)
        {
            former.Add(new DirectEmbedder(new EmbeddedEmbedder(), EmbeddedEmbedder.ModelId, EmbeddedEmbedder.Dimensions));
        }

        return former;
    }

    /// <summary>A partition's folder: its id is "tenant/number", and a tenant's name may hold what a file system does not like.</summary>
    private static string FolderOf(CastOptions options, EntityId id) => Path.Combine(options.IndexFolder, Uri.EscapeDataString(id.Value));
}
