using System.Numerics.Tensors;
using Microsoft.Extensions.AI;
using RagCluster.Inference.Embedded;

namespace RagCluster.Inference.Tests.Embedded;

public class EmbeddedEmbedderTests
{
    private readonly EmbeddedEmbedder _embedder = new();

    [Fact]
    public void A_vector_has_length_one_and_is_zero_without_words()
    {
        TensorPrimitives.Norm<float>(Embed("The free-look period lasts thirty days.")).ShouldBe(1f, 1e-6f);
        TensorPrimitives.Norm<float>(Embed(" ... !? ")).ShouldBe(0f);
        TensorPrimitives.Norm<float>(Embed("")).ShouldBe(0f);
    }

    [Theory]
    [InlineData("insurance policy cancellation", "insurances policies cancelled", "steam engine condenser")]
    [InlineData("beneficiary of the policy", "benificiary of the policy", "temperature of the boiler")]
    [InlineData("the car was damaged", "damage to an automobile", "the king of France")]
    [InlineData("surrender value", "the value on surrender", "volcanic eruption")]
    public void Inflections_typos_and_synonyms_are_nearer_than_something_else(string text, string near, string far) =>
        Cosine(text, near).ShouldBeGreaterThan(Cosine(text, far) + 0.2f);

    [Fact]
    public async Task The_client_tells_its_model_and_its_dimensions()
    {
        var metadata = _embedder.GetService(typeof(EmbeddingGeneratorMetadata)).ShouldBeOfType<EmbeddingGeneratorMetadata>();
        metadata.DefaultModelId.ShouldBe(EmbeddedEmbedder.ModelId);
        metadata.DefaultModelDimensions.ShouldBe(EmbeddedEmbedder.Dimensions);
        var made = await _embedder.GenerateAsync(["one text", "another text"], cancellationToken: TestContext.Current.CancellationToken);
        made.Count.ShouldBe(2);
        made[0].Vector.Length.ShouldBe(EmbeddedEmbedder.Dimensions);
        made[1].Vector.ToArray().ShouldBe(Embed("another text"));
    }

    [Fact]
    public async Task Other_dimensions_are_refused() =>
        await Should.ThrowAsync<ArgumentException>(async () => await _embedder.GenerateAsync(
            ["text"],
            new EmbeddingGenerationOptions { Dimensions = 768 },
            TestContext.Current.CancellationToken));

    /// <summary>
    /// A vector stored yesterday is compared with one made today: if this fails, stored vectors have become worthless.
    /// Then take the change back, or give the model another id and these values anew.
    /// </summary>
    [Fact]
    public void The_vectors_of_this_model_id_are_frozen()
    {
        EmbeddedEmbedder.ModelId.ShouldBe("embedded-hash-512-v1");
        var bytes = new byte[4 * EmbeddedEmbedder.Dimensions];
        using var hash = System.Security.Cryptography.IncrementalHash.CreateHash(System.Security.Cryptography.HashAlgorithmName.SHA256);
        foreach (var text in new[]
        {
            "How long is the free-look period?",
            "The car's owner pays $1,250.50 yearly; \u00c5ngstr\u00f6m, na\u00efve caf\u00e9.",
            "\u4fdd\u9669 \u043f\u043e\u043b\u0438\u0441 x",
            string.Join(' ', Enumerable.Range(0, 2000).Select(i => $"word{i % 700} insurance")),
        })
        {
            Buffer.BlockCopy(Embed(text), 0, bytes, 0, bytes.Length);
            hash.AppendData(bytes);
        }

        Convert.ToHexStringLower(hash.GetHashAndReset())[..16].ShouldBe("888f6f31a025254b");
    }

    [Fact]
    public void Embedding_allocates_nothing_once_warm()
    {
        var text = string.Join(' ', Enumerable.Range(0, 100).Select(i => $"word{i} insurance"));
        var vector = new float[EmbeddedEmbedder.Dimensions];
        _embedder.Embed(text, vector);
        _embedder.Embed(text, vector);
        var before = GC.GetAllocatedBytesForCurrentThread();
        _embedder.Embed(text, vector);
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    private float[] Embed(string text)
    {
        var vector = new float[EmbeddedEmbedder.Dimensions];
        _embedder.Embed(text, vector);
        return vector;
    }

    private float Cosine(string one, string other) => TensorPrimitives.Dot<float>(Embed(one), Embed(other));
}
