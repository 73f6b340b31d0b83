using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace RagCluster.Inference.Endpoints;

/// <summary>Chats through Ollama's POST /api/chat: one JSON object a line, the last with "done": true.</summary>
internal sealed class OllamaChatClient(EndpointHttp http, EndpointOptions options) : EndpointChatClient(http, options, "ollama")
{
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var request = new OllamaChatRequest(
            Model,
            [.. messages.Select(m => new OllamaMessage(Role(m), m.Text))],
            Stream: true,
            new OllamaChatOptions(options?.Temperature, options?.MaxOutputTokens, options?.Seed),
            KeepAlive);
        await foreach (var line in Http.StreamLinesAsync("/api/chat", request, OllamaJson.Default.OllamaChatRequest, cancellationToken))
        {
            var part = Parse(line, OllamaJson.Default.OllamaChatResponse);
            if (part.Error is { } error)
            {
                throw new InferenceException(InferenceErrorCode.EndpointFailed, $"The inference endpoint {Http.Url} failed in mid-answer: {error}");
            }

            if (part.Message?.Content is { Length: > 0 } text)
            {
                yield return Update(text);
            }

            if (part.Done)
            {
                yield return Finish(part.DoneReason, part.PromptTokens, part.AnswerTokens);
                yield break;
            }
        }

        throw Http.Cut();
    }
}
