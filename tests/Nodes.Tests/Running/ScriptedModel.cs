using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RagCluster.Nodes.Tests.Running;

/// <summary>
/// A model server in OpenAI's protocol whose answers are as slow, long or broken as the question says:
/// "hold" says one word and goes on when <see cref="Release"/> is called, "break" fails, everything else is answered by
/// forty words, to "lengthy" long ones.
/// </summary>
public sealed class ScriptedModel : IAsyncDisposable
{
    private readonly WebApplication _web;
    private readonly ConcurrentDictionary<TaskCompletionSource, string> _held = new();
    private int _asked;

    private ScriptedModel(WebApplication web) => _web = web;

    /// <summary>How many answers were asked for so far.</summary>
    public int Asked => Volatile.Read(ref _asked);

    public string Url => _web.Urls.First() + "/v1";

    public static async Task<ScriptedModel> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0));
        var web = builder.Build();
        var model = new ScriptedModel(web);
        web.MapPost("/v1/chat/completions", model.AnswerAsync);
        await web.StartAsync(TestContext.Current.CancellationToken);
        return model;
    }

    /// <summary>Lets the answers that are held go on whose question has this in it.</summary>
    public void Release(string part)
    {
        foreach (var (held, question) in _held)
        {
            if (question.Contains(part, StringComparison.Ordinal))
            {
                held.TrySetResult();
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Release("");
        await _web.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        Interlocked.Increment(ref _asked);
        var request = await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        var question = (string)request!["messages"]!.AsArray()[^1]!["content"]!;
        if (question.Contains("break", StringComparison.Ordinal))
        {
            context.Response.StatusCode = 400;
            await context.Response.WriteAsync("""{"error":{"message":"The model is broken.","type":"invalid_request_error"}}""");
            return;
        }

        context.Response.ContentType = "text/event-stream";
        for (var i = 0; i < 40; i++)
        {
            await WriteAsync(context, question.Contains("lengthy", StringComparison.Ordinal) ? $"{new string('w', 1_500)}{i} " : $"word{i} ");
            if (i == 0 && question.Contains("hold", StringComparison.Ordinal))
            {
                var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _held.TryAdd(held, question);
                await held.Task.WaitAsync(context.RequestAborted);
            }
        }

        await context.Response.WriteAsync("data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", context.RequestAborted);
    }

    private static async Task WriteAsync(HttpContext context, string text)
    {
        await context.Response.WriteAsync($"data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{JsonSerializer.Serialize(text)}}}}}]}}\n\n", context.RequestAborted);
        await context.Response.Body.FlushAsync(context.RequestAborted);
    }
}
