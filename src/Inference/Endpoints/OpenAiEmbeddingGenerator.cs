using Microsoft.Extensions.AI;

namespace RagCluster.Inference.Endpoints;

/// <summary>Embeds through POST {url}/embeddings in OpenAI's protocol. Failures are <see cref="InferenceException"/>s.</summary>
internal sealed class OpenAiEmbeddingGenerator(EndpointHttp http, EndpointOptions options) : IEmbeddingGenerator<string, Embedding<float>>
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
            "/embeddings",
            new OpenAiEmbeddingRequest(options.Model, texts),
            OpenAiJson.Default.OpenAiEmbeddingRequest,
            OpenAiJson.Default.OpenAiEmbeddingResponse,
            cancellationToken);
        var data = response.Data ?? throw http.Bad("there are no embeddings in it");

        // The order is the index's, not the array's.
        var vectors = new float[]?[data.Count];
        foreach (var item in data)
        {
            if (item is null || item.Index < 0 || item.Index >= vectors.Length || vectors[item.Index] is not null)
            {
                throw http.Bad("the indexes of its embeddings are wrong");
            }

            vectors[item.Index] = item.Embedding;
        }

        return _checks.Checked(vectors, texts.Count);
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(EmbeddingGeneratorMetadata) ? new EmbeddingGeneratorMetadata("openai", new Uri(http.Url), options.Model, _checks.Dimensions)
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose() => http.Dispose();
}
