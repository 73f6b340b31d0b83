using System.Text.Json.Serialization;

namespace RagCluster.Inference.Endpoints;

internal sealed record OllamaEmbedRequest(string Model, IReadOnlyList<string> Input, bool Truncate = true);

internal sealed record OllamaEmbedResponse(float[][]? Embeddings);

internal sealed record OllamaMessage(string Role, string? Content);

internal sealed record OllamaChatRequest(string Model, IReadOnlyList<OllamaMessage> Messages, bool Stream, OllamaChatOptions? Options);

internal sealed record OllamaChatOptions(float? Temperature, [property: JsonPropertyName("num_predict")] int? NumPredict, long? Seed);

/// <summary>One line of a streamed answer; the last has <paramref name="Done"/>.</summary>
internal sealed record OllamaChatResponse(
    OllamaMessage? Message,
    bool Done,
    [property: JsonPropertyName("done_reason")] string? DoneReason,
    [property: JsonPropertyName("prompt_eval_count")] long? PromptTokens,
    [property: JsonPropertyName("eval_count")] long? AnswerTokens,
    string? Error);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OllamaEmbedRequest))]
[JsonSerializable(typeof(OllamaEmbedResponse))]
[JsonSerializable(typeof(OllamaChatRequest))]
[JsonSerializable(typeof(OllamaChatResponse))]
internal sealed partial class OllamaJson : JsonSerializerContext;
