using System.Text.Json.Serialization;

namespace RagCluster.Inference.Endpoints;

internal sealed record OllamaEmbedRequest(
    string Model,
    IReadOnlyList<string> Input,
    bool Truncate = true,
    [property: JsonPropertyName("keep_alive")] string? KeepAlive = null);

internal sealed record OllamaEmbedResponse(float[][]? Embeddings);

internal sealed record OllamaMessage(string Role, string? Content);

internal sealed record OllamaChatRequest(
    string Model,
    IReadOnlyList<OllamaMessage> Messages,
    bool Stream,
    OllamaChatOptions? Options,
    [property: JsonPropertyName("keep_alive")] string? KeepAlive = null);

internal sealed record OllamaChatOptions(float? Temperature, [property: JsonPropertyName("num_predict")] int? NumPredict, long? Seed);

/// <summary>One line of a streamed answer; the last has <paramref name="Done"/>.</summary>
internal sealed record OllamaChatResponse(
    OllamaMessage? Message,
    bool Done,
    [property: JsonPropertyName("done_reason")] string? DoneReason,
    [property: JsonPropertyName("prompt_eval_count")] long? PromptTokens,
    [property: JsonPropertyName("eval_count")] long? AnswerTokens,
    string? Error);

/// <summary>Of /api/tags, and of /api/ps, where the sizes are those in memory.</summary>
internal sealed record OllamaModelList(IReadOnlyList<OllamaModel?>? Models);

internal sealed record OllamaModel(string? Name, long? Size, [property: JsonPropertyName("size_vram")] long? SizeVram, OllamaModelDetails? Details);

internal sealed record OllamaModelDetails(
    [property: JsonPropertyName("parameter_size")] string? ParameterSize,
    [property: JsonPropertyName("quantization_level")] string? QuantizationLevel);

internal sealed record OllamaPullRequest(string Model, bool Stream);

internal sealed record OllamaPullResponse(string? Status, long? Total, long? Completed, string? Error);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OllamaEmbedRequest))]
[JsonSerializable(typeof(OllamaEmbedResponse))]
[JsonSerializable(typeof(OllamaChatRequest))]
[JsonSerializable(typeof(OllamaChatResponse))]
[JsonSerializable(typeof(OllamaModelList))]
[JsonSerializable(typeof(OllamaPullRequest))]
[JsonSerializable(typeof(OllamaPullResponse))]
internal sealed partial class OllamaJson : JsonSerializerContext;
