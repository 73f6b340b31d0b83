using RagCluster.Actors;
using RagCluster.Actors.Search;
using RagCluster.Configuration.Options;
using RagCluster.Inference.Batching;
using RagCluster.Inference.Prompting;
using RagCluster.Ingestion.Chunking;
using RagCluster.Ingestion.Parsing;
using RagCluster.Kernel.Discovery;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal.Postgres;
using RagCluster.Kernel.Transport;
using RagCluster.Messages;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Fusion;
using RagCluster.Messages.Identity;
using RagCluster.Nodes.Gateway.Chat;
using RagCluster.Nodes.Gateway.Identity;

namespace RagCluster.Nodes.Hosting;

/// <summary>From the configuration's words to the options of each room, which do not know the configuration.</summary>
internal static class OptionsMapping
{
    public static CastOptions Cast(RagClusterOptions options) => new()
    {
        IndexFolder = Path.Combine(options.DataFolder, "index"),
        CatalogFile = Path.Combine(options.DataFolder, "catalog.db"),
        CatalogPoll = options.Catalog.PollInterval,
        Shared = options.Store.Engine == StoreEngine.Postgres,
        ByRole = options.Cluster.Enabled,
        Conversations = new Actors.Conversations.ConversationOptions
        {
            MaxQuestionChars = options.Conversations.MaxQuestionChars,
            HistoryTurns = options.Conversations.HistoryTurns,
            AnswerTimeout = options.Conversations.AnswerTimeout,
            AskTimeout = options.Kernel.AskTimeout,
        },
        ConversationEntities = new EntityOptions
        {
            Shards = options.Conversations.Shards,
            PassivateAfter = options.Conversations.PassivateAfter,
            MaxLive = options.Conversations.MaxLive,
            SnapshotEvery = options.Conversations.SnapshotEvery,
            MailboxCapacity = options.Kernel.MailboxCapacity,
            RecentEvents = 64,
        },
        Documents = new Actors.Documents.DocumentOptions
        {
            MaxBytes = options.Documents.MaxBytes.Bytes,
            Concurrency = options.Ingestion.Concurrency,
            MaxInFlight = options.Documents.MaxInFlight,
            MaxAttempts = options.Documents.MaxAttempts,
            MinRetryBackoff = options.Documents.RetryBackoff.Min,
            MaxRetryBackoff = options.Documents.RetryBackoff.Max,
            EmbedBatch = options.Inference.Embedding.MaxBatchItems,
        },
        DocumentEntities = new EntityOptions
        {
            Shards = options.Documents.Shards,
            PassivateAfter = options.Documents.PassivateAfter,
            MaxLive = options.Documents.MaxLive,
            MailboxCapacity = options.Kernel.MailboxCapacity,
        },
        PartitionsPerTenant = options.Partitions.PerTenant,
        PartitionEntities = new EntityOptions
        {
            Shards = options.Partitions.Shards,
            PassivateAfter = options.Partitions.PassivateAfter,
            SnapshotEvery = options.Partitions.SnapshotEvery,
            MailboxCapacity = options.Kernel.MailboxCapacity,
            RecentEvents = 0,
        },
        Search = new SearchOptions
        {
            Candidates = options.Retrieval.TopK,
            Passages = options.Retrieval.Passages,
            Fusion = options.Retrieval.Fusion == Configuration.Options.FusionMethod.Ranks ? Actors.Search.FusionMethod.Ranks : Actors.Search.FusionMethod.Scores,
            RankConstant = options.Retrieval.RrfK,
            Weights = Weights(options.Retrieval.Weights),
            Analyzer = Analyzer.PerField(
                AnalyzerOf(options.Retrieval.Analysis.Body), AnalyzerOf(options.Retrieval.Analysis.Title), AnalyzerOf(options.Retrieval.Analysis.Headings)),
            Neighbours = options.Retrieval.Neighbours.Reach,
            RerankCandidates = options.Retrieval.Rerank.Candidates,
            RerankDeadline = options.Retrieval.Rerank.Deadline,
            NeighbourTokens = options.Retrieval.Neighbours.Tokens,
            Deadline = options.Retrieval.Deadline,
        },
        Chunker = new ChunkerOptions
        {
            TargetTokens = options.Ingestion.Chunk.TargetTokens,
            MaxTokens = options.Ingestion.Chunk.MaxTokens,
            OverlapTokens = options.Ingestion.Chunk.OverlapTokens,
        },
        Inference = InferenceMapping.Policy(options),
        Embedding = InferenceMapping.Embedding(options.Inference.Embedding),
        FormerEmbedding = options.Inference.Embedding.Change.Former is { Provider: not InferenceProvider.Embedded } former
            ? new RagCluster.Inference.Endpoints.EndpointOptions
            {
                Kind = InferenceMapping.Kind(former.Provider),
                Url = former.Url ?? "",
                Model = former.Model ?? "",
                ApiKeyFile = former.ApiKeyFile ?? "",
                Dimensions = former.Dimensions,
                Timeout = options.Inference.Embedding.Timeout,
            }
            : null,
        ModelChange = new Actors.Partitions.ModelChangeOptions
        {
            Questions = options.Inference.Embedding.Change.CheckSet is { } file ? Evaluation.CheckSet.Read(file) : [],
            Tolerance = options.Inference.Embedding.Change.Tolerance,
            LeastRecall = options.Inference.Embedding.Change.LeastRecall,
            SwitchAnyway = options.Inference.Embedding.Change.SwitchAnyway,
            Batch = options.Inference.Embedding.MaxBatchItems,
        },
        EmbeddingBatches = new BatchLimits
        {
            MaxItems = options.Inference.Embedding.MaxBatchItems,
            MaxTokens = options.Inference.Embedding.MaxBatchTokens,
            MaxDelay = options.Inference.Embedding.MaxDelay,
            MaxInFlight = options.Inference.Embedding.Concurrency,
            Capacity = int.MaxValue,
        },
        MaxQueuedEmbeddings = Math.Max(1, options.Inference.Embedding.MaxQueued / options.Inference.Embedding.MaxBatchItems),
        Prompt = new PromptBudget { MaxTokens = options.Inference.Prompts.MaxTokens, HistoryTokens = options.Inference.Prompts.HistoryTokens },
        Templates = PromptTemplates.Load(options.Inference.Prompts.Folder),
        Generation = InferenceMapping.Generation(options.Inference.Generation),
        GenerationSlots = options.Inference.Generation.Concurrency,
        MaxQueuedAnswers = options.Inference.Generation.MaxQueued,
        MaxOutputTokens = options.Inference.Generation.MaxOutputTokens,
        Temperature = (float)options.Inference.Generation.Temperature,
    };

    public static ShardedEntitiesOptions Entities(RagClusterOptions options) => new()
    {
        Node = options.Node.Name,
        RecoveryPermits = options.Store.RecoveryPermits,
        Commit = new Kernel.Journal.GroupCommitOptions
        {
            MaxEventsPerShard = options.Store.GroupCommit.MaxBatch,
            MaxBytesPerShard = (int)options.Store.GroupCommit.MaxBytes.Bytes,
            Lanes = options.Store.Engine == StoreEngine.Postgres ? options.Store.Postgres.Lanes : 1,
        },
        MinRestartBackoff = options.Kernel.RestartBackoff.Min,
        MaxRestartBackoff = options.Kernel.RestartBackoff.Max,
    };

    public static Kernel.Cluster.ClusterOptions Cluster(RagClusterOptions options) => new()
    {
        Roles = options.Node.Roles,
        Lease = options.Cluster.Lease,
        SuspectAfter = options.Cluster.SuspectAfter,
        BufferPerShard = options.Cluster.BufferPerShard,
        HandOffBudget = options.Cluster.HandOffTimeout,
    };

    /// <exception cref="IOException">The file of the secret cannot be read.</exception>
    public static TcpTransportOptions Transport(Configuration.Options.ClusterOptions cluster)
    {
        var host = cluster.Host == "localhost" ? "127.0.0.1" : cluster.Host;
        var address = HostPort.TryParse(cluster.Advertise, out var advertised) ? advertised : new HostPort(cluster.Advertise ?? host, cluster.Port);
        return new TcpTransportOptions
        {
            Cluster = cluster.Name,
            Address = address.ToString(),
            Bind = host == "*" ? null : host,
            BindPort = address.Port == cluster.Port ? null : cluster.Port,
            Secret = cluster.SecretFile is { } file ? SecretText.Read(file, "the cluster's secret") : null,
            Tls = cluster.Tls is { Certificate: { } certificate, Key: { } key, Authorities: { } authorities } ? new TlsFiles(certificate, key, authorities) : null,
            MaxMessageBytes = (int)cluster.MaxMessage.Bytes,
            ConnectTimeout = cluster.Transport.ConnectTimeout,
            HeartbeatInterval = cluster.Transport.HeartbeatInterval,
            DetectionTime = cluster.Transport.DetectionTime,
            LeastBackoff = cluster.Transport.Reconnect.Min,
            GreatestBackoff = cluster.Transport.Reconnect.Max,
            QueueBytes = (int)cluster.Transport.Queue.Bytes,
            MaxLinks = cluster.Transport.MaxLinks,
            MaxPendingHandshakes = cluster.Transport.MaxPendingHandshakes,
            CloseTimeout = cluster.Transport.CloseTimeout,
        };
    }

    /// <summary>Null: there is nothing to compare the store's members with.</summary>
    /// <exception cref="FormatException">An address or a name is none.</exception>
    public static IDiscovery? Discovery(ClusterDiscoveryOptions discovery, TimeProvider time) => discovery.From switch
    {
        DiscoverySource.List => new ListDiscovery(discovery.Addresses),
        DiscoverySource.Dns => new DnsDiscovery(discovery.Name!, discovery.Port == 0 ? null : discovery.Port, time),
        _ => null,
    };

    /// <exception cref="IOException">The file of the password cannot be read.</exception>
    public static PostgresStoreOptions Postgres(PostgresOptions postgres) => new()
    {
        Connection = postgres.Connection!,
        Password = postgres.PasswordFile is { } file ? SecretText.Read(file, "the database's password") : null,
        Schema = postgres.Schema,
        Lanes = postgres.Lanes,
        RecoveryConnections = postgres.RecoveryConnections,
        QueryConnections = postgres.QueryConnections,
        BlobConnections = postgres.BlobConnections,
        ConnectTimeout = postgres.ConnectTimeout,
        StatementTimeout = postgres.StatementTimeout,
        LockTimeout = postgres.LockTimeout,
        LeaseTimeout = postgres.LeaseTimeout,
        PoolTimeout = postgres.PoolTimeout,
    };

    public static ParserLimits Parser(RagClusterOptions options) => new()
    {
        InputBytes = options.Documents.MaxBytes.Bytes,
        OutputCharacters = options.Ingestion.MaxCharacters,
        Time = options.Ingestion.ParseTimeout,
        MemoryBytes = options.Ingestion.ParseMemory.Bytes,
    };

    public static Ingestion.Sources.Web.WebOptions Web(Configuration.Options.WebOptions web) => new()
    {
        Contact = web.Contact,
        Timeout = web.Timeout,
        MaxBytes = web.MaxBytes.Bytes,
        MaxRedirects = web.MaxRedirects,
        MinInterval = web.MinInterval,
        AllowNetworks = [.. web.AllowNetworks.Select(network => System.Net.IPNetwork.Parse(network))],
        Ports = web.Ports,
    };

    public static ChatSocketOptions Chat(RagClusterOptions options) => new()
    {
        MaxFrameBytes = (int)options.Http.Websocket.MaxFrame.Bytes,
        Heartbeat = options.Http.Websocket.Heartbeat,
        IdleTimeout = options.Http.Websocket.IdleTimeout,
        SendTimeout = options.Http.Websocket.SendTimeout,
        SendQueue = options.Http.Websocket.SendQueue,
        MaxConversations = options.Http.Websocket.MaxSubscriptions,
        MaxConnections = options.Http.MaxConnections,
    };

    /// <exception cref="IOException">A token's file cannot be read.</exception>
    public static IdentityOptions Identity(RagClusterOptions options)
    {
        var security = options.Security;
        var open = security.Open.Enabled switch
        {
            OpenAccess.On => true,
            OpenAccess.Auto => options.Http.IsLoopback && security.Tokens.Count == 0,
            _ => false,
        };
        return new IdentityOptions
        {
            Open = open ? new Principal(TenantId.Of(security.Open.Tenant), UserId.Of(security.Open.User), RoleSet.Of(security.Open.Roles)) : null,
            Tokens = [.. security.Tokens.Select(t => new AccessToken(t.Name, SecretText.HashOf(t.Name, t.TokenFile, t.TokenHash), TenantId.Of(t.Tenant), UserId.Of(t.User), RoleSet.Of(t.Roles)))],
            AllowedOrigins = options.Http.AllowedOrigins,
        };
    }

    private static Analyzer AnalyzerOf(TextAnalyzer analyzer) => analyzer switch
    {
        TextAnalyzer.English => Analyzer.English,
        TextAnalyzer.German => Analyzer.German,
        TextAnalyzer.Simple => Analyzer.Simple,
        _ => Analyzer.Auto,
    };

    private static FusionWeights Weights(RetrievalWeights weights) => new()
    {
        Vector = weights.Vector / (weights.Lexical + weights.Vector),
        Order = weights.Order,
        Nearness = weights.Nearness,
        Similar = weights.Similar,
        Adjacent = weights.Adjacent,
    };
}
