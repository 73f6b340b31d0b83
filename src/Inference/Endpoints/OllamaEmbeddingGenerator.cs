using Microsoft.Extensions.AI;

namespace RagCluster.Inference.Endpoints;

/// <summary>Embeds through Ollama's POST /api/embed. Failures are <see cref="InferenceException"/>s.</summary>
internal sealed class OllamaEmbeddingGenerator(EndpointHttp http, EndpointOptions options) : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly EmbeddingChecks _checks = new(http, options);

    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values,
        EmbeddingGenerationOptions? generation = null,
        CancellationToken cancellationToken = default)
    {
        var texts = values.ToList();
        if (texts.Count == 0)
        {
            return [];
        }

        var response = await http.PostAsync(
            "/api/embed",
            new OllamaEmbedRequest(options.Model, texts, KeepAlive: options.KeepAlive.Length > 0 ? options.KeepAlive : null),
            OllamaJson.Default.OllamaEmbedRequest,
            OllamaJson.Default.OllamaEmbedResponse,
            cancellationToken);
        return _checks.Checked(response.Embeddings ?? throw http.Bad("there are no embeddings in it"), texts.Count);
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(EmbeddingGeneratorMetadata) ? new EmbeddingGeneratorMetadata("ollama", new Uri(http.Url), options.Model, _checks.Dimensions)
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose() => http.Dispose();
}
