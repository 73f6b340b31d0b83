using System.Text.Json;
using System.Text.Json.Serialization;
using RagCluster.Messages;
using RagCluster.Messages.Conversations;

namespace RagCluster.Nodes.Gateway.OpenAi;

// The shapes of OpenAI's HTTP API, as far as existing clients need them to work against this node.

public sealed record ChatRequest(
    string? Model, IReadOnlyList<ChatRequestMessage?>? Messages, bool? Stream, [property: JsonPropertyName("stream_options")] StreamOptions? StreamOptions, string? User);

public sealed record StreamOptions([property: JsonPropertyName("include_usage")] bool? IncludeUsage);

/// <param name="Content">A string, or an array of parts of which the text ones count.</param>
public sealed record ChatRequestMessage(string? Role, JsonElement Content);

public sealed record ChatResponse(
    string Id, string Object, long Created, string Model, IReadOnlyList<ChatChoice> Choices, Usage? Usage, IReadOnlyList<Citation>? Citations)
{
    /// <summary>Beyond OpenAI's API: the sentences of the content that no passage supports, end exclusive.</summary>
    public IReadOnlyList<UnsupportedSpan>? Unsupported { get; init; }
}

public sealed record ChatChoice(
    int Index,
    ChatMessageBody? Message,
    ChatMessageBody? Delta,
    [property: JsonPropertyName("finish_reason")] string? FinishReason);

public sealed record ChatMessageBody(string? Role, string? Content);

public sealed record Usage(
    [property: JsonPropertyName("prompt_tokens")] int PromptTokens,
    [property: JsonPropertyName("completion_tokens")] int CompletionTokens,
    [property: JsonPropertyName("total_tokens")] int TotalTokens);

public sealed record ModelList(string Object, IReadOnlyList<ModelBody> Data);

public sealed record ModelBody(string Id, string Object, long Created, [property: JsonPropertyName("owned_by")] string OwnedBy);

/// <param name="Input">A string or an array of strings.</param>
public sealed record EmbeddingsRequest(string? Model, JsonElement Input, [property: JsonPropertyName("encoding_format")] string? EncodingFormat);

public sealed record EmbeddingsResponse(string Object, IReadOnlyList<EmbeddingBody> Data, string Model, Usage Usage);

/// <param name="Embedding">An array of numbers, or base64 of little-endian float32, as asked for.</param>
public sealed record EmbeddingBody(string Object, int Index, JsonElement Embedding);

public sealed record OpenAiError(OpenAiErrorBody Error);

public sealed record OpenAiErrorBody(string Message, string Type, string? Code);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ChatRequest))]
[JsonSerializable(typeof(ChatResponse))]
[JsonSerializable(typeof(ModelList))]
[JsonSerializable(typeof(EmbeddingsRequest))]
[JsonSerializable(typeof(EmbeddingsResponse))]
[JsonSerializable(typeof(OpenAiError))]
[JsonSerializable(typeof(float[]))]
[JsonSerializable(typeof(string))]
internal sealed partial class OpenAiJson : JsonSerializerContext;
