using System.Globalization;
using RagCluster.Actors.Inference;
using RagCluster.Configuration.Options;
using RagCluster.Inference.Endpoints;
using RagCluster.Inference.Fairness;
using RagCluster.Inference.Reranking;
using RagCluster.Inference.Routing;

namespace RagCluster.Nodes.Hosting;

/// <summary>From the configuration's words to endpoints and how requests reach them.</summary>
internal static class InferenceMapping
{
    public static InferencePolicy Policy(RagClusterOptions options)
    {
        var (embedding, generation, fairness) = (options.Inference.Embedding, options.Inference.Generation, options.Inference.Fairness);
        return new InferencePolicy
        {
            AnswerModels = generation.Endpoints.Count == 0 ? []
                : generation.FallbackModels.Count > 0 ? [generation.Model ?? generation.Endpoints[0].Model ?? "", .. generation.FallbackModels]
                : [.. generation.Endpoints.Select(e => e.Model ?? generation.Model ?? "").Distinct()],
            EmbeddingPatience = embedding.Timeout,
            AnswerPatience = generation.Patience,
            MaxQueuedQueries = embedding.MaxQueued,
            Zone = options.Inference.Zone ?? "",
            Fairness = new FairnessOptions
            {
                Everybody = new TenantTerms(1, fairness.TokensPerMinute),
                Reserve = fairness.Reserve,
                Tenants = fairness.Tenants.ToDictionary(t => t.Name, t => new TenantTerms(t.Weight, t.TokensPerMinute)),
            },
            Hedge = new HedgeOptions { Budget = embedding.HedgeBudget },
        };
    }

    public static EndpointOptions Embedding(EmbeddingOptions group) => new()
    {
        Kind = Kind(group.Provider),
        Url = group.Url ?? "",
        Model = group.Model ?? "",
        ApiKeyFile = group.ApiKeyFile ?? "",
        Dimensions = group.Dimensions,
        Timeout = group.Timeout,
        KeepAlive = group.KeepAlive ?? "",
    };

    public static EndpointOptions Generation(GenerationOptions group) => new()
    {
        Kind = Kind(group.Provider),
        Url = group.Url ?? "",
        Model = group.Model ?? "",
        ApiKeyFile = group.ApiKeyFile ?? "",
        Timeout = group.Timeout,
        KeepAlive = group.KeepAlive ?? "",
    };

    /// <summary>The places of embedding; the configured list, or the one that the group itself is.</summary>
    public static IReadOnlyList<EndpointProfile> Embeddings(EmbeddingOptions group) =>
        Profiles("embedding", Embedding(group), group.Endpoints, group.Concurrency, continues: false);

    /// <inheritdoc cref="Embeddings"/>
    public static IReadOnlyList<EndpointProfile> Generations(GenerationOptions group) =>
        Profiles("generation", Generation(group), group.Endpoints, group.Concurrency, group.Continues);

    /// <summary>Null where nothing re-ranks.</summary>
    public static EndpointOptions? Reranking(RerankingOptions group) => group.Provider == RerankingProvider.None ? null : new EndpointOptions
    {
        Kind = EndpointOptions.OpenAi,
        Url = group.Url ?? "",
        Model = group.Model ?? "",
        ApiKeyFile = group.ApiKeyFile ?? "",
        Timeout = group.Timeout,
    };

    public static IReadOnlyList<EmbeddingEndpoint> Embeddings(RagClusterOptions options, EndpointFactory factory) =>
        [.. Embeddings(options.Inference.Embedding).Select(p => new EmbeddingEndpoint(p, factory.CreateEmbedder(p.Options), Server(p, factory)))];

    public static IReadOnlyList<GenerationEndpoint> Generations(RagClusterOptions options, EndpointFactory factory) =>
        [.. Generations(options.Inference.Generation).Select(p => new GenerationEndpoint(p, factory.CreateChatClient(p.Options), Server(p, factory)))];

    public static IReranker? Reranker(RagClusterOptions options, EndpointFactory factory) =>
        Reranking(options.Inference.Reranking) is { } endpoint ? factory.CreateReranker(endpoint) : null;

    private static IModelServer? Server(EndpointProfile profile, EndpointFactory factory) =>
        profile.Options.Kind == EndpointOptions.Embedded ? null : factory.CreateServer(profile.Options);

    private static IReadOnlyList<EndpointProfile> Profiles(
        string purpose, EndpointOptions group, IReadOnlyList<EndpointItemOptions> items, int concurrency, bool continues)
    {
        if (items.Count == 0)
        {
            return [new EndpointProfile(purpose + "-1", group) { Capacity = concurrency, Continues = continues }];
        }

        return
        [
            .. items.Select((item, i) => new EndpointProfile(
                item.Name ?? string.Create(CultureInfo.InvariantCulture, $"{purpose}-{i + 1}"),
                group with
                {
                    Kind = Kind(item.Provider) ?? group.Kind,
                    Url = item.Url ?? "",
                    Model = item.Model ?? group.Model,
                    ApiKeyFile = item.ApiKeyFile ?? group.ApiKeyFile,
                    KeepAlive = item.KeepAlive ?? group.KeepAlive,
                })
            {
                Capacity = item.Capacity == 0 ? concurrency : item.Capacity,
                Weight = item.Weight,
                Zone = item.Zone ?? "",
                Gpu = item.Gpu ?? "",
                Continues = continues,
            }),
        ];
    }

    public static string Kind(InferenceProvider provider) => provider switch
    {
        InferenceProvider.Ollama => EndpointOptions.Ollama,
        InferenceProvider.OpenAI => EndpointOptions.OpenAi,
        _ => EndpointOptions.Embedded,
    };

    private static string? Kind(EndpointProvider provider) => provider switch
    {
        EndpointProvider.Ollama => EndpointOptions.Ollama,
        EndpointProvider.OpenAI => EndpointOptions.OpenAi,
        EndpointProvider.Embedded => EndpointOptions.Embedded,
        _ => null,
    };
}
