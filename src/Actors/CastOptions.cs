using RagCluster.Actors.Conversations;
using RagCluster.Actors.Documents;
using RagCluster.Actors.Partitions;
using RagCluster.Actors.Inference;
using RagCluster.Actors.Search;
using RagCluster.Inference.Batching;
using RagCluster.Inference.Endpoints;
using RagCluster.Inference.Prompting;
using RagCluster.Ingestion.Chunking;
using RagCluster.Kernel.Entities;

namespace RagCluster.Actors;

/// <summary>How the cast of one node plays.</summary>
public sealed record CastOptions
{
    /// <summary>Where partitions keep their segment files; a folder below it for each.</summary>
    public required string IndexFolder { get; init; }

    /// <summary>The file of the lists that are read from the logs; can be deleted at any time. Null keeps them in memory.</summary>
    public required string? CatalogFile { get; init; }

    /// <summary>How often the lists look for what other nodes have written; this node's own commits are seen at once.</summary>
    public TimeSpan CatalogPoll { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Other nodes use the same store: partitions may be opened by any of them, so their segment files go to the blob store
    /// too, and the index folder is a cache.
    /// </summary>
    public bool Shared { get; init; }

    /// <summary>
    /// Conversations, documents and partitions live on nodes that have the role of that name; else on every node.
    /// </summary>
    public bool ByRole { get; init; }

    public ConversationOptions Conversations { get; init; } = new();

    public EntityOptions ConversationEntities { get; init; } = new() { SnapshotEvery = 500, RecentEvents = 64 };

    public DocumentOptions Documents { get; init; } = new();

    public EntityOptions DocumentEntities { get; init; } = new();

    /// <summary>How often publications journal how far they are; what was published since is published again after a crash.</summary>
    public TimeSpan PublicationSaveEvery { get; init; } = TimeSpan.FromSeconds(1);

    public int PartitionsPerTenant { get; init; } = 1;

    public EntityOptions PartitionEntities { get; init; } = new() { SnapshotEvery = 2000, PassivateAfter = Timeout.InfiniteTimeSpan, RecentEvents = 0 };

    public SearchOptions Search { get; init; } = new();

    public ChunkerOptions Chunker { get; init; } = new();

    /// <summary>How requests reach the inference endpoints.</summary>
    public InferencePolicy Inference { get; init; } = new();

    public EndpointOptions Embedding { get; init; } = new();

    /// <summary>The model before, where it can still be asked: partitions are searched by it until they are embedded anew. Null: none but the built-in one.</summary>
    public EndpointOptions? FormerEmbedding { get; init; }

    public ModelChangeOptions ModelChange { get; init; } = new();

    public BatchLimits EmbeddingBatches { get; init; } = new();

    /// <summary>How many requests of documents wait for the embedding endpoint before further documents wait.</summary>
    public int MaxQueuedEmbeddings { get; init; } = 256;

    public PromptBudget Prompt { get; init; } = new();

    public PromptTemplates Templates { get; init; } = PromptTemplates.BuiltIn;

    public EndpointOptions Generation { get; init; } = new();

    /// <summary>How many answers are written at the endpoint at the same time.</summary>
    public int GenerationSlots { get; init; } = 8;

    public int MaxQueuedAnswers { get; init; } = 256;

    public int MaxOutputTokens { get; init; } = 800;

    public float Temperature { get; init; } = 0.1f;
}
