using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace RagCluster.InferenceStandIn;

/// <summary>What is said in few words: lists, errors, and faults that need no answer to break.</summary>
internal static class Replies
{
    public static async Task JsonAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        context.Response.ContentType = "application/json";
        using (var json = new Utf8JsonWriter(context.Response.BodyWriter))
        {
            write(json);
        }

        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    public static Task ErrorAsync(HttpContext context, int status, string message)
    {
        context.Response.StatusCode = status;
        if (status == 429)
        {
            context.Response.Headers.RetryAfter = "1";
        }

        return JsonAsync(context, json =>
        {
            json.WriteStartObject();
            if (context.Request.Path.StartsWithSegments("/api"))
            {
                json.WriteString("error", message);
            }
            else
            {
                json.WriteStartObject("error");
                json.WriteString("message", message);
                json.WriteString("type", "stand_in");
                json.WriteEndObject();
            }

            json.WriteEndObject();
        });
    }

    /// <summary>Whether the fault has answered already.</summary>
    public static async Task<bool> FailedAsync(HttpContext context, Fault fault)
    {
        switch (fault)
        {
            case Fault.Hang:
                await Task.Delay(Timeout.Infinite, context.RequestAborted);
                return true;
            case Fault.Status500:
                await ErrorAsync(context, 500, "out of memory");
                return true;
            case Fault.Status429:
                await ErrorAsync(context, 429, "too many requests");
                return true;
            case Fault.Status401:
                await ErrorAsync(context, 401, "The API key is wrong.");
                return true;
            case Fault.ModelMissing:
                await ErrorAsync(context, 404, "model not found");
                return true;
            case Fault.Garbage:
                await context.Response.WriteAsync("<html><body>It works!</body></html>\n", context.RequestAborted);
                return true;
            case Fault.InvalidUtf8:
                await context.Response.Body.WriteAsync(new byte[] { (byte)'d', (byte)'a', (byte)'t', (byte)'a', (byte)':', (byte)' ', 0xff, 0xfe, 0xc3, (byte)'\n' }, context.RequestAborted);
                return true;
            case Fault.Empty:
                context.Response.ContentType = "application/json";
                return true;
            case Fault.Endless:
                var block = new byte[8192];
                Array.Fill(block, (byte)' ');
                while (true)
                {
                    await context.Response.Body.WriteAsync(block, context.RequestAborted);
                }

            default:
                return false;
        }
    }

    public static async Task PullAsync(StandInServer server, HttpContext context)
    {
        using var body = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted);
        var model = body.RootElement.GetProperty("model").GetString()!;
        context.Response.ContentType = "application/x-ndjson";
        foreach (var line in new[]
        {
            """{"status":"pulling manifest"}""",
            """{"status":"pulling 8eeb52dfb3bb","total":1000,"completed":250}""",
            """{"status":"pulling 8eeb52dfb3bb","total":1000,"completed":1000}""",
            """{"status":"success"}""",
        })
        {
            await context.Response.WriteAsync(line + "\n", context.RequestAborted);
        }

        server.Behaviour = server.Behaviour with { Models = [.. server.Behaviour.Models, model.Contains(':', StringComparison.Ordinal) ? model : model + ":latest"] };
    }

    public static void WriteModels(this Utf8JsonWriter json, IReadOnlyList<string> models)
    {
        json.WriteStartObject();
        json.WriteString("object", "list");
        json.WriteStartArray("data");
        foreach (var model in models)
        {
            json.WriteStartObject();
            json.WriteString("id", model);
            json.WriteString("object", "model");
            json.WriteString("owned_by", "stand-in");
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    public static void WriteTags(this Utf8JsonWriter json, IReadOnlyList<string> models, bool inMemory)
    {
        json.WriteStartObject();
        json.WriteStartArray("models");
        foreach (var model in models.Take(inMemory ? 1 : int.MaxValue))
        {
            json.WriteStartObject();
            json.WriteString("name", model);
            json.WriteNumber("size", 4_000_000_000);
            if (inMemory)
            {
                json.WriteNumber("size_vram", 5_000_000_000);
            }

            json.WriteStartObject("details");
            json.WriteString("parameter_size", "7B");
            json.WriteString("quantization_level", "Q4_0");
            json.WriteEndObject();
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
