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
