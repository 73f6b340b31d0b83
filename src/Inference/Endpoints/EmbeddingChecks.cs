using Microsoft.Extensions.AI;

namespace RagCluster.Inference.Endpoints;

/// <summary>
/// Turns an endpoint's vectors into embeddings, or says what is wrong with them: each text has one, all have the same
/// number of dimensions (the configured one, or that of the first answer), every component is finite. Vectors come out
/// with length 1.
/// </summary>
internal sealed class EmbeddingChecks(EndpointHttp http, EndpointOptions options)
{
    private int _dimensions = options.Dimensions;

    public int? Dimensions => _dimensions == 0 ? null : _dimensions;

    public GeneratedEmbeddings<Embedding<float>> Checked(IReadOnlyList<float[]?> vectors, int texts)
    {
        if (vectors.Count != texts)
        {
            throw http.Bad($"it gave {vectors.Count} vectors for {texts} texts");
        }

        var embeddings = new GeneratedEmbeddings<Embedding<float>>(texts);
        foreach (var vector in vectors)
        {
            embeddings.Add(new Embedding<float>(Checked(vector)) { ModelId = options.Model });
        }

        return embeddings;
    }

    private float[] Checked(float[]? vector)
    {
        if (vector is null or { Length: 0 })
        {
            throw http.Bad("a vector is empty");
        }

        var expected = Interlocked.CompareExchange(ref _dimensions, vector.Length, 0);
        if (expected != 0 && expected != vector.Length)
        {
            throw http.Bad($"its vectors have {vector.Length} dimensions where {expected} are expected; the model \"{options.Model}\" is another one than before, or configured wrongly");
        }

        var sum = 0d;
        foreach (var value in vector)
        {
            sum += (double)value * value;
        }

        if (!double.IsFinite(sum))
        {
            throw http.Bad("a vector holds a number that is not finite");
        }

        if (sum > 0)
        {
            var scale = (float)(1 / Math.Sqrt(sum));
            for (var i = 0; i < vector.Length; i++)
            {
                vector[i] *= scale;
            }
        }

        return vector;
    }
}
