using System.Diagnostics;
using System.Threading.RateLimiting;
using RagCluster.Actors;
using RagCluster.Actors.Documents;
using RagCluster.Configuration.Options;
using RagCluster.Inference.Endpoints;
using RagCluster.Kernel;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal.Sqlite;
using RagCluster.Nodes.Gateway;
using RagCluster.Nodes.Gateway.Chat;
using RagCluster.Nodes.Gateway.Conversations;
using RagCluster.Nodes.Gateway.Documents;
using RagCluster.Nodes.Gateway.Identity;
using RagCluster.Nodes.Gateway.OpenAi;
using RagCluster.Nodes.Gateway.Search;
using RagCluster.Nodes.Management;
using RagCluster.Nodes.Page;

namespace RagCluster.Nodes.Hosting;

/// <summary>
/// A node in this process: store, cast, gateway and management, started in this order and stopped in the opposite one.
/// </summary>
internal sealed partial class NodeHost : IAsyncDisposable
{
    /// <summary>Who has lost its membership has nothing to hand over, and is best gone soon.</summary>
    private static readonly TimeSpan s_lostBudget = TimeSpan.FromSeconds(5);

    private readonly RagClusterOptions _options;
    private readonly Backend _backend;
    private readonly WebApplication _web;
    private readonly ManagementHost? _management;
    private readonly Health _health;
    private readonly ILogger<NodeHost> _log;
    private readonly IReadOnlyList<IDisposable> _instruments;
    private bool _stopped;

    private NodeHost(
        RagClusterOptions options,
        Backend backend,
        WebApplication web,
        ManagementHost? management,
        Health health,
        ILogger<NodeHost> log,
        IReadOnlyList<IDisposable> instruments) =>
        (_options, _backend, _web, _management, _health, _log, _instruments) = (options, backend, web, management, health, log, instruments);

    /// <summary>Where the gateway and the page are.</summary>
    public required Uri Url { get; init; }

    /// <summary>Where probes and metrics are; null where management is off.</summary>
    public Uri? ManagementUrl => _management?.Url;

    public Cast Cast => _backend.Cast;

    /// <summary>Every route that is served.</summary>
    public IReadOnlyList<Endpoint> Endpoints => _web.Services.GetRequiredService<EndpointDataSource>().Endpoints;

    /// <summary>Whether the data folder was empty before this start.</summary>
    public bool IsFirstStart => _backend.IsFirstStart;

    /// <summary>Starts the node; when this returns it is ready.</summary>
    /// <exception cref="Kernel.Journal.StoreException">The data folder is in use, damaged or not writable; the message says what to do.</exception>
    /// <exception cref="IOException">A port is in use, or a file cannot be read.</exception>
    /// <param name="operations">What operators can see and change beyond the options; null for a node that has no operators.</param>
    public static async Task<NodeHost> StartAsync(
        RagClusterOptions options, Action<ILoggingBuilder> logging, CancellationToken cancellationToken, NodeOperator? operations = null)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        logging(builder.Logging);
        var health = new Health();
        var managed = new ManagedNode(options, operations?.Settings ?? [], operations?.Logs);
        HealthChecks.Add(health.Monitor, managed, new DataDisk(options.DataFolder));
        var metrics = new MetricsRegistry(name => name.StartsWith("RagCluster", StringComparison.Ordinal) || name is "System.Runtime" or "Microsoft.AspNetCore.Hosting");
        ConfigureWeb(builder, options);

        // The backend outlives the web application, so its loggers are its own.
        var loggers = LoggerFactory.Create(logging);
        Backend? backend = null;
        ManagementHost? management = null;
        try
        {
            // First, so that probes see what a start waits for: other nodes, or a database that is not there yet.
            management = options.Management.Enabled
                ? await ManagementHost.StartAsync(managed, health, metrics, logging, cancellationToken)
                : null;
            backend = await Backend.StartAsync(options, health, managed, loggers, cancellationToken);
            backend.AddTo(builder.Services);
            var web = builder.Build();
            Map(web, options);
            await Listening.StartAsync(web, "ragcluster.http.port", cancellationToken);
            var url = Listening.AddressOf(web);
            managed.Started(new RunningParts(backend.System, backend.Store.Journal, backend.Store.Blobs, backend.Cast, backend.Flags, web.Lifetime.StopApplication));
            backend.Entities.AnswerCalls = management?.Answer;

            // Not ready from the first moment of a stop on, whoever asks for it: the process, or who holds this host.
            web.Lifetime.ApplicationStopping.Register(health.Draining);
            health.Ready();
            new NodeFile(options.Node.Name, url, management?.Url, Environment.ProcessId, TimeProvider.System.GetUtcNow()).Write(options.DataFolder);
            return new NodeHost(options, backend, web, management, health, loggers.CreateLogger<NodeHost>(), [metrics, loggers]) { Url = url };
        }
        catch
        {
            if (backend is not null)
            {
                await backend.StopAsync(new ShutdownBudget(options.Kernel.ShutdownTimeout, TimeProvider.System));
            }

            if (management is not null)
            {
                await management.DisposeAsync();
            }

            throw;
        }
    }

    /// <summary>
    /// Ends when the process is asked to stop (SIGTERM, Ctrl-C), when the token is cancelled, or when the node has lost its
    /// membership; then dispose of this host. True if it is to stop, false if it is lost.
    /// </summary>
    public async Task<bool> WaitForStopAsync(CancellationToken cancellationToken)
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var stopping = _web.Lifetime.ApplicationStopping.Register(() => asked.TrySetResult());
        using var cancelled = cancellationToken.Register(() => asked.TrySetResult());
        var lost = _backend.Entities.Lost;
        if (await Task.WhenAny(asked.Task, lost) != lost)
        {
            return true;
        }

        LogLost(_log, await lost);
        return false;
    }

    /// <summary>
    /// Stops in phases that share one budget: not ready, streams are told to come back elsewhere; the other nodes take the
    /// shards, while requests are still answered; the gateway ends those under way; the entities, then the store.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopped)
        {
            return;
        }

        _stopped = true;
        var budget = new ShutdownBudget(_backend.Entities.Lost.IsCompleted ? s_lostBudget : _options.Kernel.ShutdownTimeout, TimeProvider.System);
        _health.Draining();
        NodeFile.Delete(_options.DataFolder);
        _web.Lifetime.StopApplication();
        try
        {
            var linger = _backend.IsMember ? _options.Cluster.Linger : TimeSpan.Zero;
            var draining = Stopwatch.GetTimestamp();
            await _backend.HandOverAsync(budget.Share(0.7));

            // Who sends requests here learns from /ready that there is somewhere better, a moment later.
            if (linger - Stopwatch.GetElapsedTime(draining) is var rest && rest > TimeSpan.Zero)
            {
                await Task.Delay(rest < budget.Share(0.5) ? rest : budget.Share(0.5));
            }

            using var limit = new CancellationTokenSource(budget.Share(0.5));
            await _web.StopAsync(limit.Token);
        }
        finally
        {
            await _backend.StopAsync(budget);
            await _web.DisposeAsync();
            if (_management is not null)
            {
                // Last, so that probes see the draining to its end.
                await _management.DisposeAsync();
            }

            foreach (var instrument in _instruments)
            {
                instrument.Dispose();
            }
        }
    }

    private static void ConfigureWeb(WebApplicationBuilder builder, RagClusterOptions options)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = options.Http.MaxRequestSize.Bytes;
            kestrel.Limits.MaxConcurrentConnections = options.Http.MaxConnections;
            kestrel.Limits.MaxConcurrentUpgradedConnections = options.Http.MaxConnections;
            Listening.On(kestrel, options.Http.Host, options.Http.Port);
        });
        var services = builder.Services;
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.Kernel.ShutdownTimeout);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(new DataDisk(options.DataFolder));
        services.AddSingleton(OptionsMapping.Identity(options));
        services.AddSingleton<Authentication>();
        services.AddSingleton(OptionsMapping.Chat(options));
        services.AddSingleton<ChatSocket>();
        services.AddSingleton<Func<string>>(() => Guid.CreateVersion7().ToString("N"));
        services.AddOpenApi("v1", openApi => openApi.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "RagCluster";
            document.Info.Description = "Documents in, cited answers out. The chat WebSocket at /api/v1/ws is described in docs/api.md.";
            return Task.CompletedTask;
        }));
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, GatewayJson.Default);
            json.SerializerOptions.TypeInfoResolverChain.Insert(1, OpenAiJson.Default);
        });
        // What is wrong with a request is told by the error middleware, not swallowed.
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddCors(cors => cors.AddDefaultPolicy(policy => policy
            .WithOrigins([.. options.Http.AllowedOrigins])
            .AllowAnyMethod()
            .AllowAnyHeader()
            .WithExposedHeaders("Retry-After")));
        services.AddRateLimiter(limiter =>
        {
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.OnRejected = async (rejected, _) =>
            {
                rejected.HttpContext.Response.Headers.RetryAfter = "1";
                await Problems.Of(StatusCodes.Status429TooManyRequests, "too-many-requests", $"More than {options.Limits.RequestsPerSecond} requests a second (ragcluster.limits); try again in a moment.")
                    .ExecuteAsync(rejected.HttpContext);
            };
            limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context =>
                // Documents are bounded by the backpressure of ingestion itself, which makes a sender wait and loses nothing.
                context.Features.Get<Messages.Identity.Principal>() is { } principal && !IsDocumentUpload(context.Request)
                    ? RateLimitPartition.GetTokenBucketLimiter($"{principal.Tenant}/{principal.User}", _ => new TokenBucketRateLimiterOptions
                    {
                        TokenLimit = options.Limits.Burst,
                        TokensPerPeriod = Math.Max(1, options.Limits.RequestsPerSecond / 10),
                        ReplenishmentPeriod = TimeSpan.FromMilliseconds(100),
                    })
                    : RateLimitPartition.GetNoLimiter(""));
        });
    }

    private static void Map(WebApplication web, RagClusterOptions options)
    {
        // A kept connection must not end between a request and its answer: who asks a node that stops takes another connection next.
        var stopping = web.Lifetime.ApplicationStopping;
        web.Use((context, next) =>
        {
            if (stopping.IsCancellationRequested && !HttpProtocol.IsHttp2(context.Request.Protocol))
            {
                context.Response.OnStarting(() =>
                {
                    if (context.Response.StatusCode != StatusCodes.Status101SwitchingProtocols)
                    {
                        context.Response.Headers.Connection = "close";
                    }

                    return Task.CompletedTask;
                });
            }

            return next(context);
        });
        web.UseMiddleware<ErrorMiddleware>();
        web.UseStatusCodePages(async context =>
        {
            var response = context.HttpContext.Response;
            var (code, detail) = response.StatusCode switch
            {
                404 => ("not-found", $"There is nothing at {context.HttpContext.Request.Path}. /openapi/v1.json lists what there is."),
                405 => ("method-not-allowed", $"{context.HttpContext.Request.Method} is not for {context.HttpContext.Request.Path}."),
                415 => ("unsupported-media-type", "Send application/json."),
                var status => ("failed", $"The request failed with status {status}."),
            };
            await Problems.Of(response.StatusCode, code, detail).ExecuteAsync(context.HttpContext);
        });
        web.UseWebSockets();
        web.UseCors();
        web.UseMiddleware<AuthenticationMiddleware>();
        web.UseRouting();
        web.UseRateLimiter();
        var api = web.MapGroup("/api/v1");
        api.MapGet("/me", (HttpContext context, Authentication authentication) =>
        {
            var principal = context.Principal();
            return TypedResults.Json(new MeBody(principal.Tenant, principal.User, principal.Roles, authentication.IsOpen), GatewayJson.Default.MeBody);
        }).WithTags("identity").WithSummary("On whose behalf the caller acts.").Produces<MeBody>();
        api.MapDocuments();
        api.MapSearch();
        api.MapEmbedding();
        api.MapConversations();
        api.MapChat();
        web.MapOpenAi();
        web.MapOpenApi("/openapi/{documentName}.json");
        web.MapPage();
    }

    private static bool IsDocumentUpload(HttpRequest request) =>
        (HttpMethods.IsPut(request.Method) || HttpMethods.IsPost(request.Method)) && request.Path.StartsWithSegments("/api/v1/documents");

    [LoggerMessage(7101, Microsoft.Extensions.Logging.LogLevel.Critical, "This node is no member of the cluster any more and stops, without an answer to anybody: {Reason} Nothing that it acknowledged is lost. A supervisor starts it anew.")]
    private static partial void LogLost(ILogger log, string reason);
}
