using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace RagCluster.InferenceStandIn;

/// <summary>
/// A model server without a model: speaks Ollama's and OpenAI's protocols, answers the same question with the same words,
/// takes the time that a GPU would, and goes wrong in the ways that it is told.
/// </summary>
public sealed class StandInServer : IAsyncDisposable
{
    private readonly WebApplication _web;
    private bool _ended;
    private long _requests;
    private long _aborted;
    private long _texts;
    private long _batches;
    private long _answerTokens;
    private double _faulty;

    private StandInServer(WebApplication web, Behaviour behaviour)
    {
        _web = web;
        Behaviour = behaviour;
        Device = new Device(() => Behaviour.Times);
    }

    public Behaviour Behaviour { get; set; }

    /// <summary>For Ollama's protocol; OpenAI's is below /v1.</summary>
    public string Url => Address;

    /// <summary>Also after the end, so that another can take its place.</summary>
    public string Address { get; private set; } = "";

    internal Device Device { get; }

    public Counts Counts => new(
        Interlocked.Read(ref _requests),
        Interlocked.Read(ref _aborted),
        Interlocked.Read(ref _texts),
        Interlocked.Read(ref _batches),
        Device.PromptTokens,
        Interlocked.Read(ref _answerTokens),
        Device.BusyMs,
        Device.Running,
        Device.Waiting,
        Device.MostRunning);

    /// <param name="port">0 takes any free one.</param>
    public static async Task<StandInServer> StartAsync(Behaviour? behaviour = null, int port = 0)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 64 << 20;
            kestrel.Listen(IPAddress.Loopback, port, listen => listen.Protocols = HttpProtocols.Http1);
        });
        var web = builder.Build();
        var server = new StandInServer(web, behaviour ?? new Behaviour());
        web.Run(server.HandleAsync);
        await web.StartAsync();
        server.Address = web.Urls.First();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        if (_ended)
        {
            return;
        }

        _ended = true;
        using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(1));
        await _web.StopAsync(now.Token);
        await _web.DisposeAsync();
        await Device.DisposeAsync();
    }

    internal void Embedded(int texts)
    {
        Interlocked.Add(ref _texts, texts);
        Interlocked.Increment(ref _batches);
    }

    internal void Wrote() => Interlocked.Increment(ref _answerTokens);

    private async Task HandleAsync(HttpContext context)
    {
        try
        {
            await AnswerAsync(context);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ConnectionAbortedException)
        {
            Interlocked.Increment(ref _aborted);
        }
        catch (JsonException e)
        {
            await Replies.ErrorAsync(context, 400, e.Message);
        }
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (path == "/stand-in")
        {
            await ControlAsync(context);
            return;
        }

        var behaviour = Behaviour;
        if (behaviour.ApiKey is { } key && context.Request.Headers.Authorization != $"Bearer {key}")
        {
            await Replies.ErrorAsync(context, 401, "The API key is wrong.");
            return;
        }

        switch (path)
        {
            case "/v1/models":
                await Replies.JsonAsync(context, json => json.WriteModels(behaviour.Models));
                return;
            case "/api/tags" or "/api/ps":
                await Replies.JsonAsync(context, json => json.WriteTags(behaviour.Models, inMemory: path == "/api/ps"));
                return;
            case "/api/pull":
                await Replies.PullAsync(this, context);
                return;
            case "/metrics":
                await context.Response.WriteAsync($"# TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_running{{model_name=\"{behaviour.Models[0]}\"}} {Device.Running}.0\nvllm:num_requests_waiting{{model_name=\"{behaviour.Models[0]}\"}} {Device.Waiting}.0\n");
                return;
        }

        Interlocked.Increment(ref _requests);
        var fault = NextFault(behaviour);
        if (await Replies.FailedAsync(context, fault))
        {
            return;
        }

        using var body = await JsonDocument.ParseAsync(context.Request.Body, default, context.RequestAborted);
        var model = body.RootElement.TryGetProperty("model", out var named) ? named.GetString() : null;
        if (model is not null && !behaviour.Models.Contains(model) && !behaviour.Models.Contains(model + ":latest"))
        {
            await Replies.ErrorAsync(context, 404, $"model '{model}' not found");
            return;
        }

        var request = new Asked(this, context, body.RootElement, behaviour, fault, model ?? behaviour.Models[0]);
        await (path switch
        {
            "/v1/embeddings" or "/api/embed" => Embedding.AnswerAsync(request, isOllama: path == "/api/embed"),
            "/v1/chat/completions" or "/api/chat" => Chat.AnswerAsync(request, isOllama: path == "/api/chat"),
            "/v1/rerank" or "/rerank" => Embedding.RerankAsync(request),
            _ => Replies.ErrorAsync(context, 404, $"there is nothing at {path}"),
        });
    }

    private Fault NextFault(Behaviour behaviour)
    {
        if (behaviour.Fault == Fault.None)
        {
            return Fault.None;
        }

        lock (Device)
        {
            _faulty += behaviour.FaultShare;
            if (_faulty < 1)
            {
                return Fault.None;
            }

            _faulty -= 1;
            return behaviour.Fault;
        }
    }

    private async Task ControlAsync(HttpContext context)
    {
        if (HttpMethods.IsPut(context.Request.Method))
        {
            using var reader = new StreamReader(context.Request.Body);
            Behaviour = Behaviour.Read(await reader.ReadToEndAsync(context.RequestAborted));
        }

        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(JsonSerializer.Serialize(Counts, BehaviourJson.Default.Counts));
    }
}

/// <summary>A request, as far as both protocols have the same.</summary>
internal sealed record Asked(StandInServer Server, HttpContext Context, JsonElement Body, Behaviour Behaviour, Fault Fault, string Model)
{
    public CancellationToken Aborted => Context.RequestAborted;
}
