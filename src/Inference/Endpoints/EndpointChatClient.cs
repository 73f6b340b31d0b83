using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.AI;

namespace RagCluster.Inference.Endpoints;

/// <summary>
/// What the chat clients of both protocols share. Requests are always streamed, so that a silent endpoint is noticed
/// early; a stream that ends without its terminal marker is an error, never a complete answer.
/// </summary>
internal abstract class EndpointChatClient(EndpointHttp http, EndpointOptions options, string provider) : IChatClient
{
    protected EndpointHttp Http { get; } = http;

    protected string Model { get; } = options.Model;

    protected string? KeepAlive { get; } = options.KeepAlive.Length > 0 ? options.KeepAlive : null;

    public async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        var text = new StringBuilder();
        var response = new ChatResponse { ModelId = Model };
        await foreach (var update in GetStreamingResponseAsync(messages, options, cancellationToken))
        {
            text.Append(update.Text);
            response.FinishReason = update.FinishReason ?? response.FinishReason;
            foreach (var usage in update.Contents.OfType<UsageContent>())
            {
                response.Usage = usage.Details;
            }
        }

        response.Messages.Add(new ChatMessage(ChatRole.Assistant, text.ToString()));
        return response;
    }

    public abstract IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default);

    public object? GetService(Type serviceType, object? serviceKey = null) =>
        serviceKey is not null ? null
        : serviceType == typeof(ChatClientMetadata) ? new ChatClientMetadata(provider, new Uri(Http.Url), Model)
        : serviceType.IsInstanceOfType(this) ? this
        : null;

    public void Dispose() => Http.Dispose();

    protected static string Role(ChatMessage message) =>
        message.Role == ChatRole.System ? "system" : message.Role == ChatRole.Assistant ? "assistant" : "user";

    protected T Parse<T>(string json, JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw Http.Bad("a part of the stream is null");
        }
        catch (JsonException e)
        {
            throw Http.Bad($"a part of the stream is not the JSON that was expected ({e.Message})", e);
        }
    }

    protected ChatResponseUpdate Update(string text) => new(ChatRole.Assistant, text) { ModelId = Model };

    protected ChatResponseUpdate Finish(string? reason, long? promptTokens, long? answerTokens)
    {
        var update = new ChatResponseUpdate(ChatRole.Assistant, (string?)null)
        {
            ModelId = Model,
            FinishReason = reason is "length" ? ChatFinishReason.Length : reason is "content_filter" ? ChatFinishReason.ContentFilter : ChatFinishReason.Stop,
        };
        if (promptTokens is not null || answerTokens is not null)
        {
            update.Contents.Add(new UsageContent(new UsageDetails
            {
                InputTokenCount = promptTokens,
                OutputTokenCount = answerTokens,
                TotalTokenCount = (promptTokens ?? 0) + (answerTokens ?? 0),
            }));
        }

        return update;
    }
}
