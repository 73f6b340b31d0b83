using System.Runtime.CompilerServices;
using Microsoft.Extensions.AI;

namespace RagCluster.Inference.Endpoints;

/// <summary>
/// Chats through POST {url}/chat/completions in OpenAI's protocol: server-sent events whose data are JSON objects, the
/// last "[DONE]". An answer is complete with that mark only, and only if a finish reason came before it.
/// </summary>
internal sealed class OpenAiChatClient(EndpointHttp http, EndpointOptions options) : EndpointChatClient(http, options, "openai")
{
    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        OpenAiMessage[] said = [.. messages.Select(m => new OpenAiMessage(Role(m), m.Text))];

        // What ends with a part of the answer is to be continued: vLLM's words for it, which others ignore.
        bool? continues = said is [.., { Role: "assistant" }] ? true : null;
        var request = new OpenAiChatRequest(
            Model,
            said,
            Stream: true,
            options?.Temperature,
            options?.MaxOutputTokens,
            options?.Seed,
            new OpenAiStreamOptions(IncludeUsage: true),
            continues,
            continues is null ? null : false);
        string? reason = null;
        OpenAiUsage? usage = null;
        await foreach (var line in Http.StreamLinesAsync("/chat/completions", request, OpenAiJson.Default.OpenAiChatRequest, cancellationToken))
        {
            if (!line.StartsWith("data:", StringComparison.Ordinal))
            {
                // Comments and other fields of server-sent events carry nothing here; anything else is another protocol.
                if (line[0] == ':' || line.StartsWith("event:", StringComparison.Ordinal) || line.StartsWith("id:", StringComparison.Ordinal) || line.StartsWith("retry:", StringComparison.Ordinal))
                {
                    continue;
                }

                throw Http.Bad("the stream is not made of server-sent events");
            }

            var data = line.AsSpan(5).Trim().ToString();
            if (data == "[DONE]")
            {
                if (reason is null)
                {
                    break;
                }

                yield return Finish(reason, usage?.PromptTokens, usage?.CompletionTokens);
                yield break;
            }

            var part = Parse(data, OpenAiJson.Default.OpenAiChatResponse);
            if (part.Error is { } error)
            {
                throw new InferenceException(InferenceErrorCode.EndpointFailed, $"The inference endpoint {Http.Url} failed in mid-answer: {error.Message}");
            }

            usage = part.Usage ?? usage;
            if (part.Choices is [{ } choice, ..])
            {
                reason = choice.FinishReason ?? reason;
                if (choice.Delta?.Content is { Length: > 0 } text)
                {
                    yield return Update(text);
                }
            }
        }

        throw Http.Cut();
    }
}
