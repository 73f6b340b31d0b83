using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace RagCluster.InferenceStandIn;

/// <summary>/v1/embeddings, /api/embed and /v1/rerank.</summary>
internal static class Embedding
{
    public static async Task AnswerAsync(Asked asked, bool isOllama)
    {
        var texts = Texts(asked.Body.GetProperty("input"));
        if (asked.Behaviour.RefusedWord is { } word && texts.Any(t => t.Contains(word, StringComparison.Ordinal)))
        {
            await Replies.ErrorAsync(asked.Context, 400, "the input is too long");
            return;
        }

        if (!await asked.Server.Device.EmbedAsync(texts.ConvertAll(Words.Tokens), asked.Aborted))
        {
            await Replies.ErrorAsync(asked.Context, 429, "too many requests");
            return;
        }

        asked.Server.Embedded(texts.Count);
        var dimensions = asked.Behaviour.Dimensions + (asked.Fault == Fault.WrongDimension ? 1 : 0);
        var response = asked.Context.Response;
        response.ContentType = "application/json";
        var output = response.BodyWriter;
        Write(output, isOllama ? $"{{\"model\":\"{asked.Model}\",\"embeddings\":[" : $"{{\"object\":\"list\",\"model\":\"{asked.Model}\",\"data\":[");
        for (var i = 0; i < texts.Count; i++)
        {
            if (asked.Fault is Fault.Cut or Fault.HangInside or Fault.Short && i == texts.Count / 2)
            {
                await output.FlushAsync(asked.Aborted);
                if (asked.Fault == Fault.HangInside)
                {
                    await Task.Delay(Timeout.Infinite, asked.Aborted);
                }
                else if (asked.Fault == Fault.Cut)
                {
                    asked.Context.Abort();
                }

                return;
            }

            Write(output, i == 0 ? "" : ",");
            if (!isOllama)
            {
                Write(output, string.Create(CultureInfo.InvariantCulture, $"{{\"object\":\"embedding\",\"index\":{i},\"embedding\":"));
            }

            Words.WriteVector(texts[i], dimensions, output);
            Write(output, isOllama ? "" : "}");
        }

        var tokens = texts.Sum(Words.Tokens);
        Write(output, isOllama
            ? string.Create(CultureInfo.InvariantCulture, $"],\"prompt_eval_count\":{tokens}}}")
            : string.Create(CultureInfo.InvariantCulture, $"],\"usage\":{{\"prompt_tokens\":{tokens},\"total_tokens\":{tokens}}}}}"));
        await output.FlushAsync(asked.Aborted);
    }

    /// <summary>Scores by the share of the query's words that a text has.</summary>
    public static async Task RerankAsync(Asked asked)
    {
        var query = asked.Body.GetProperty("query").GetString()!.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var texts = Texts(asked.Body.TryGetProperty("documents", out var documents) ? documents : asked.Body.GetProperty("texts"));
        if (!await asked.Server.Device.EmbedAsync(texts.ConvertAll(Words.Tokens), asked.Aborted))
        {
            await Replies.ErrorAsync(asked.Context, 429, "too many requests");
            return;
        }

        var scored = texts.Select((text, index) => (index, score: query.Count(w => text.Contains(w, StringComparison.OrdinalIgnoreCase)) / (double)Math.Max(1, query.Length)));
        await Replies.JsonAsync(asked.Context, json =>
        {
            json.WriteStartObject();
            json.WriteString("model", asked.Model);
            json.WriteStartArray("results");
            foreach (var (index, score) in scored.OrderByDescending(s => s.score))
            {
                json.WriteStartObject();
                json.WriteNumber("index", index);
                json.WriteNumber("relevance_score", score);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    private static List<string> Texts(JsonElement input) =>
        input.ValueKind == JsonValueKind.String ? [input.GetString()!] : [.. input.EnumerateArray().Select(e => e.GetString()!)];

    private static void Write(IBufferWriter<byte> output, string text) => output.Write(Encoding.UTF8.GetBytes(text));
}
