using RagCluster.Inference.Reranking;

namespace RagCluster.Inference.Endpoints;

/// <summary>
/// Scores through POST {url}/rerank, as vLLM, Jina and Cohere have it ({"results": [{"index", "relevance_score"}]}), or as
/// TEI has it (a bare list of {"index", "score"}): the answer tells which.
/// </summary>
internal sealed class OpenAiReranker(EndpointHttp http, EndpointOptions options) : IReranker
{
    public string Model => options.Model;

    public async ValueTask<IReadOnlyList<float>> ScoreAsync(string query, IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        if (texts.Count == 0)
        {
            return [];
        }

        // Both names of the texts: each server reads its own and leaves the other.
        var answer = await http.PostAsync(
            "/rerank",
            new RerankRequest(options.Model, query, texts, texts, texts.Count, ReturnDocuments: false, Truncate: true),
            OpenAiJson.Default.RerankRequest,
            OpenAiJson.Default.JsonElement,
            cancellationToken);
        var results = answer.ValueKind == System.Text.Json.JsonValueKind.Array ? answer
            : answer.ValueKind == System.Text.Json.JsonValueKind.Object && answer.TryGetProperty("results", out var list) && list.ValueKind == System.Text.Json.JsonValueKind.Array ? list
            : throw http.Bad("there are no results in it");
        var scores = new float[texts.Count];
        var missing = texts.Count;
        Array.Fill(scores, float.NaN);
        foreach (var result in results.EnumerateArray())
        {
            if (result.ValueKind != System.Text.Json.JsonValueKind.Object
                || !result.TryGetProperty("index", out var at) || !at.TryGetInt32(out var index) || index < 0 || index >= scores.Length || !float.IsNaN(scores[index]))
            {
                throw http.Bad("the indexes of its results are wrong");
            }

            if (!(result.TryGetProperty("relevance_score", out var score) || result.TryGetProperty("score", out score)) || !score.TryGetSingle(out var value) || !float.IsFinite(value))
            {
                throw http.Bad("a result has no score");
            }

            scores[index] = value;
            missing--;
        }

        return missing == 0 ? scores : throw http.Bad($"it scored {texts.Count - missing} of {texts.Count} texts");
    }

    public void Dispose() => http.Dispose();
}
