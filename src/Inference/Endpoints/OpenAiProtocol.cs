using System.Text.Json.Serialization;

namespace RagCluster.Inference.Endpoints;

internal sealed record OpenAiEmbeddingRequest(
    string Model,
    IReadOnlyList<string> Input,
    [property: JsonPropertyName("encoding_format")] string EncodingFormat = "float");

internal sealed record OpenAiEmbeddingResponse(IReadOnlyList<OpenAiEmbedding?>? Data);

internal sealed record OpenAiEmbedding(int Index, float[]? Embedding);

internal sealed record OpenAiMessage(string? Role, string? Content);

internal sealed record OpenAiChatRequest(
    string Model,
    IReadOnlyList<OpenAiMessage> Messages,
    bool Stream,
    float? Temperature,
    [property: JsonPropertyName("max_tokens")] int? MaxTokens,
    long? Seed,
    [property: JsonPropertyName("stream_options")] OpenAiStreamOptions? StreamOptions,
    [property: JsonPropertyName("continue_final_message")] bool? ContinueFinalMessage = null,
    [property: JsonPropertyName("add_generation_prompt")] bool? AddGenerationPrompt = null);

internal sealed record OpenAiStreamOptions([property: JsonPropertyName("include_usage")] bool IncludeUsage);

/// <summary>A whole answer, or one chunk of a streamed one.</summary>
internal sealed record OpenAiChatResponse(IReadOnlyList<OpenAiChoice?>? Choices, OpenAiUsage? Usage, OpenAiError? Error);

internal sealed record OpenAiChoice(
    OpenAiMessage? Message,
    OpenAiMessage? Delta,
    [property: JsonPropertyName("finish_reason")] string? FinishReason);

internal sealed record OpenAiUsage(
    [property: JsonPropertyName("prompt_tokens")] long PromptTokens,
    [property: JsonPropertyName("completion_tokens")] long CompletionTokens);

internal sealed record OpenAiError(string? Message);

internal sealed record OpenAiModelList(IReadOnlyList<OpenAiModel?>? Data);

internal sealed record OpenAiModel(string? Id, [property: JsonPropertyName("owned_by")] string? OwnedBy);

internal sealed record RerankRequest(
    string Model,
    string Query,
    IReadOnlyList<string> Documents,
    IReadOnlyList<string> Texts,
    [property: JsonPropertyName("top_n")] int TopN,
    [property: JsonPropertyName("return_documents")] bool ReturnDocuments,
    bool Truncate);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(OpenAiEmbeddingRequest))]
[JsonSerializable(typeof(OpenAiEmbeddingResponse))]
[JsonSerializable(typeof(OpenAiChatRequest))]
[JsonSerializable(typeof(OpenAiChatResponse))]
[JsonSerializable(typeof(OpenAiModelList))]
[JsonSerializable(typeof(RerankRequest))]
[JsonSerializable(typeof(System.Text.Json.JsonElement))]
internal sealed partial class OpenAiJson : JsonSerializerContext;
