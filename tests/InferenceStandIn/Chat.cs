using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace RagCluster.InferenceStandIn;

/// <summary>/v1/chat/completions and /api/chat, streamed and whole. What ends with a part of the answer is continued.</summary>
internal static class Chat
{
    public static async Task AnswerAsync(Asked asked, bool isOllama)
    {
        var (prompt, begun) = Read(asked.Body.GetProperty("messages"));
        var count = Math.Max(1, Math.Min(asked.Behaviour.AnswerTokens, MaxTokens(asked.Body, isOllama) ?? int.MaxValue));
        var seed = Words.Hash(prompt);
        var tokens = new string[count];
        for (var i = 0; i < count; i++)
        {
            tokens[i] = Words.Token(seed, i, count);
        }

        var first = Continue(tokens, begun);
        var sequence = asked.Server.Device.Begin(prompt + begun, count - first);
        if (sequence is null)
        {
            await Replies.ErrorAsync(asked.Context, 429, "too many requests");
            return;
        }

        var usage = (Prompt: Words.Tokens(prompt + begun), Answer: count - first);
        try
        {
            if (asked.Body.TryGetProperty("stream", out var stream) ? stream.GetBoolean() : isOllama)
            {
                await StreamAsync(asked, sequence, tokens, first, usage, isOllama);
            }
            else
            {
                await WholeAsync(asked, sequence, tokens, first, usage, isOllama);
            }
        }
        finally
        {
            asked.Server.Device.Leave(sequence);
        }
    }

    private static async Task StreamAsync(Asked asked, Sequence sequence, string[] tokens, int first, (int Prompt, int Answer) usage, bool isOllama)
    {
        var response = asked.Context.Response;
        response.ContentType = isOllama ? "application/x-ndjson" : "text/event-stream";
        var model = JsonEncodedText.Encode(asked.Model).ToString();
        var text = new StringBuilder();
        var next = first;
        while (next < tokens.Length && await sequence.Tokens.Reader.WaitToReadAsync(asked.Aborted))
        {
            text.Clear();
            while (sequence.Tokens.Reader.TryRead(out _))
            {
                Piece(text, model, tokens[next], isOllama);
                asked.Server.Wrote();
                next++;
                if (asked.Fault is Fault.Cut or Fault.Short or Fault.HangInside && next - first > (tokens.Length - first) / 2)
                {
                    await WriteAsync(response, text, asked.Aborted);
                    if (asked.Fault == Fault.HangInside)
                    {
                        await Task.Delay(Timeout.Infinite, asked.Aborted);
                    }
                    else if (asked.Fault == Fault.Cut)
                    {
                        // What has been written is to arrive: an abort throws away what has not.
                        await Task.Delay(50, asked.Aborted);
                        asked.Context.Abort();
                    }

                    return;
                }
            }

            if (next == tokens.Length)
            {
                End(text, model, usage, isOllama);
            }

            await WriteAsync(response, text, asked.Aborted);
        }
    }

    private static async Task WholeAsync(Asked asked, Sequence sequence, string[] tokens, int first, (int Prompt, int Answer) usage, bool isOllama)
    {
        await foreach (var _ in sequence.Tokens.Reader.ReadAllAsync(asked.Aborted))
        {
            asked.Server.Wrote();
        }

        await Replies.JsonAsync(asked.Context, json =>
        {
            json.WriteStartObject();
            json.WriteString("model", asked.Model);
            if (isOllama)
            {
                Message(json, "message", tokens, first);
                json.WriteBoolean("done", true);
                json.WriteString("done_reason", "stop");
                json.WriteNumber("prompt_eval_count", usage.Prompt);
                json.WriteNumber("eval_count", usage.Answer);
            }
            else
            {
                json.WriteStartArray("choices");
                json.WriteStartObject();
                json.WriteNumber("index", 0);
                Message(json, "message", tokens, first);
                json.WriteString("finish_reason", "stop");
                json.WriteEndObject();
                json.WriteEndArray();
                json.WriteStartObject("usage");
                json.WriteNumber("prompt_tokens", usage.Prompt);
                json.WriteNumber("completion_tokens", usage.Answer);
                json.WriteEndObject();
            }

            json.WriteEndObject();
        });
    }

    private static void Message(Utf8JsonWriter json, string name, string[] tokens, int first)
    {
        json.WriteStartObject(name);
        json.WriteString("role", "assistant");
        json.WriteString("content", string.Concat(tokens[first..]));
        json.WriteEndObject();
    }

    private static void Piece(StringBuilder text, string model, string token, bool isOllama) => text.Append(
        isOllama
            ? $"{{\"model\":\"{model}\",\"message\":{{\"role\":\"assistant\",\"content\":\"{token}\"}},\"done\":false}}\n"
            : $"data: {{\"object\":\"chat.completion.chunk\",\"model\":\"{model}\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{token}\"}},\"finish_reason\":null}}]}}\n\n");

    private static void End(StringBuilder text, string model, (int Prompt, int Answer) usage, bool isOllama) => text.Append(
        isOllama
            ? string.Create(CultureInfo.InvariantCulture, $"{{\"model\":\"{model}\",\"message\":{{\"role\":\"assistant\",\"content\":\"\"}},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count\":{usage.Prompt},\"eval_count\":{usage.Answer}}}\n")
            : string.Create(CultureInfo.InvariantCulture, $"data: {{\"object\":\"chat.completion.chunk\",\"model\":\"{model}\",\"choices\":[{{\"index\":0,\"delta\":{{}},\"finish_reason\":\"stop\"}}]}}\n\ndata: {{\"object\":\"chat.completion.chunk\",\"choices\":[],\"usage\":{{\"prompt_tokens\":{usage.Prompt},\"completion_tokens\":{usage.Answer}}}}}\n\ndata: [DONE]\n\n"));

    private static async Task WriteAsync(HttpResponse response, StringBuilder text, CancellationToken cancellationToken)
    {
        response.BodyWriter.Write(Encoding.UTF8.GetBytes(text.ToString()));
        await response.BodyWriter.FlushAsync(cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>What was asked, and what of the answer is there already.</summary>
    private static (string Prompt, string Begun) Read(JsonElement messages)
    {
        var prompt = new StringBuilder();
        var begun = "";
        foreach (var message in messages.EnumerateArray())
        {
            prompt.Append(begun);
            begun = message.GetProperty("content").GetString() ?? "";
            if (message.GetProperty("role").GetString() != "assistant")
            {
                prompt.Append(begun).Append('\n');
                begun = "";
            }
        }

        return (prompt.ToString(), begun);
    }

    /// <summary>How many tokens of the answer the part that is there has; none if it is another answer's.</summary>
    private static int Continue(string[] tokens, string begun)
    {
        var text = "";
        for (var i = 0; i < tokens.Length && begun.Length > 0; i++)
        {
            text += tokens[i];
            if (text.Length >= begun.Length)
            {
                return text == begun && i < tokens.Length - 1 ? i + 1 : 0;
            }
        }

        return 0;
    }

    private static int? MaxTokens(JsonElement body, bool isOllama) =>
        isOllama
            ? body.TryGetProperty("options", out var options) && options.ValueKind == JsonValueKind.Object && options.TryGetProperty("num_predict", out var predict) && predict.TryGetInt32(out var n) ? n : null
            : body.TryGetProperty("max_tokens", out var max) && max.ValueKind == JsonValueKind.Number ? max.GetInt32() : null;
}
