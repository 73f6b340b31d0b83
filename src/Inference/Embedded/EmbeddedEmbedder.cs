using Microsoft.Extensions.AI;

namespace RagCluster.Inference.Embedded;

/// <summary>
/// Embeds texts without weights, files or services: the same text gives the same vector, to the last bit, in every run
/// and on every machine. It matches words, their inflections, near-synonyms, typos and word order; it does not understand.
/// Stateless and safe for concurrent use. Vectors have length 1, or are all zeros for a text without words.
/// </summary>
public sealed class EmbeddedEmbedder : IEmbeddingGenerator<string, Embedding<float>>
{
    /// <summary>Names the algorithm and its constants: vectors of different ids are not comparable.</summary>
    public const string ModelId = "embedded-hash-512-v1";

    public const int Dimensions = 512;

    private static readonly EmbeddingGeneratorMetadata s_metadata = new("embedded", null, ModelId, Dimensions);

    private readonly HashedFeatures _features = new(Dimensions, new FeatureWeights());

    /// <summary>Writes the vector of <paramref name="text"/> to <paramref name="vector"/>, which holds <see cref="Dimensions"/> values. Allocates nothing.</summary>
    public void Embed(ReadOnlySpan<char> text, Span<float> vector)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(vector.Length, Dimensions);
        _features.Embed(text, vector);
    }

    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values,
        EmbeddingGenerationOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        if (options?.Dimensions is { } asked && asked != Dimensions)
        {
            throw new ArgumentException($"{ModelId} makes vectors of {Dimensions} dimensions, not of {asked}.", nameof(options));
        }

        var embeddings = new GeneratedEmbeddings<Embedding<float>>();
        foreach (var value in values)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var vector = new float[Dimensions];
            _features.Embed(value, vector);
            embeddings.Add(new Embedding<float>(vector) { ModelId = ModelId });
        }

        return Task.FromResult(embeddings);
    }

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(EmbeddingGeneratorMetadata) ? s_metadata
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose()
    {
    }
}
