using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using RagCluster.Actors.Catalog;
using RagCluster.Actors.Conversations;
using RagCluster.Actors.Documents;
using RagCluster.Actors.Inference;
using RagCluster.Actors.Partitions;
using RagCluster.Actors.Search;
using RagCluster.Inference.Endpoints;
using RagCluster.Ingestion.Chunking;
using RagCluster.Ingestion.Parsing;
using RagCluster.Kernel;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;
using RagCluster.Messages.Documents;
using RagCluster.Messages.Partitions;

namespace RagCluster.Actors;

/// <summary>What the cast stands on: given by the node, or by a simulator.</summary>
public sealed record Stage(
    ActorSystem System, ShardedEntities Entities, IShardStore Store, IBlobStore Blobs, IDocumentParser Parser, EndpointFactory Endpoints, ILoggerFactory Loggers)
{
    public IRuntime Runtime => System.Runtime;
}

/// <summary>
/// All actors of a node, put together: inference, partitions, documents, conversations, and the services through which
/// a gateway uses them. The order of starting is that of need: an entity that wakes up with open work finds the
/// regions below it.
/// </summary>
public sealed class Cast : IAsyncDisposable
{
    private readonly List<IAsyncDisposable> _owned = [];
    private readonly List<IDisposable> _ownedToo = [];

    private Cast()
    {
    }

    public required IEmbedder Embedder { get; init; }

    public required IGenerator Generator { get; init; }

    public required Searcher Searcher { get; init; }

    public required IAnswering Answering { get; init; }

    public required ConversationService Conversations { get; init; }

    public required DocumentService Documents { get; init; }

    public required ICatalog Catalog { get; init; }

    public required IngestionGate Gate { get; init; }

    public required PartitionDirectory Partitions { get; init; }

    public required CastOptions Options { get; init; }

    /// <exception cref="StoreException">The store does not answer, or holds data of other settings.</exception>
    /// <exception cref="ArgumentException">An endpoint's options are wrong; the message names every problem.</exception>
    public static async Task<Cast> StartAsync(CastOptions options, Stage stage, CancellationToken cancellationToken)
    {
        var (system, loggers) = (stage.System, stage.Loggers);
        var embeddings = stage.Endpoints.CreateEmbedder(options.Embedding);
        var chat = stage.Endpoints.CreateChatClient(options.Generation);
        var (model, dimensions) = Describe(embeddings, options.Embedding);
        var embedder = new Embedder(
            system.Spawn("embedding", () => new EmbeddingActor(embeddings, options.EmbeddingBatches)), model, dimensions, options.MaxQueuedEmbeddings);
        var generator = new Generator(
            system.Spawn("generation", () => new GenerationActor(options.GenerationSlots, options.MaxQueuedAnswers)),
            chat,
            Describe(chat, options.Generation),
            new ChatOptions { MaxOutputTokens = options.MaxOutputTokens, Temperature = options.Temperature });

        var partitions = new PartitionDirectory(
            await stage.Entities.StartAsync(
                new EntityDefinition<Partition, PartitionState, PartitionCommand, PartitionEvent, PartitionReply>
                {
                    EventJson = MessagesJson.Default.PartitionEvent,
                    ReplyJson = MessagesJson.Default.PartitionReply,
                    StateJson = StatesJson.Default.PartitionState,
                    Behavior = id => new PartitionBehavior(FolderOf(options, id), stage.Runtime, loggers.CreateLogger<PartitionBehavior>()),
                    Options = options.PartitionEntities,
                },
                cancellationToken),
            options.PartitionsPerTenant);

        var gate = new IngestionGate(options.Documents);
        var processor = new DocumentProcessor(stage.Blobs, stage.Parser, new Chunker(options.Chunker), embedder, partitions, gate, options.Documents);
        var documents = await stage.Entities.StartAsync(
            new EntityDefinition<Document, DocumentState, DocumentCommand, DocumentEvent, DocumentReply>
            {
                EventJson = MessagesJson.Default.DocumentEvent,
                ReplyJson = MessagesJson.Default.DocumentReply,
                StateJson = StatesJson.Default.DocumentState,
                Behavior = _ => new DocumentBehavior(processor, options.Documents, loggers.CreateLogger<DocumentBehavior>()),
                Options = options.DocumentEntities,
            },
            cancellationToken);

        var searcher = new Searcher(partitions, embedder, options.Search);
        var answering = new Answering(searcher, generator, options.Search);
        var conversations = await stage.Entities.StartAsync(
            new EntityDefinition<Conversation, ConversationState, ConversationCommand, ConversationEvent, ConversationReply>
            {
                EventJson = MessagesJson.Default.ConversationEvent,
                ReplyJson = MessagesJson.Default.ConversationReply,
                StateJson = StatesJson.Default.ConversationState,
                Behavior = _ => new ConversationBehavior(answering, options.Conversations, loggers.CreateLogger<ConversationBehavior>()),
                Options = options.ConversationEntities,
            },
            cancellationToken);

        var catalog = await SqliteCatalog.OpenAsync(options, stage, cancellationToken);
        var cast = new Cast
        {
            Embedder = embedder,
            Generator = generator,
            Searcher = searcher,
            Answering = answering,
            Conversations = new ConversationService(conversations, options.Conversations),
            Documents = new DocumentService(documents, stage.Blobs, gate, options.Documents),
            Catalog = catalog,
            Gate = gate,
            Partitions = partitions,
            Options = options,
        };
        cast._owned.Add(catalog);
        cast._ownedToo.AddRange([embedder, gate, embeddings, chat]);
        return cast;
    }

    /// <summary>Gives back what the cast holds beside its actors; the actor system and the entities are stopped by who started them.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var owned in _owned)
        {
            await owned.DisposeAsync();
        }

        foreach (var owned in _ownedToo)
        {
            owned.Dispose();
        }
    }

    /// <summary>A partition's folder: its id is "tenant/number", and a tenant's name may hold what a file system does not like.</summary>
    private static string FolderOf(CastOptions options, EntityId id) => Path.Combine(options.IndexFolder, Uri.EscapeDataString(id.Value));

    private static (string Model, int Dimensions) Describe(IEmbeddingGenerator<string, Embedding<float>> embeddings, EndpointOptions options) =>
        embeddings.GetService(typeof(EmbeddingGeneratorMetadata)) is EmbeddingGeneratorMetadata metadata
            ? (metadata.DefaultModelId ?? options.Model, metadata.DefaultModelDimensions ?? options.Dimensions)
            : (options.Model, options.Dimensions);

    private static string Describe(IChatClient chat, EndpointOptions options) =>
        (chat.GetService(typeof(ChatClientMetadata)) as ChatClientMetadata)?.DefaultModelId ?? options.Model;
}
