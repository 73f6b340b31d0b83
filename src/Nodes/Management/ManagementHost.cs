using RagCluster.Nodes.Hosting;
using RagCluster.Nodes.Management.Access;
using RagCluster.Nodes.Management.Cluster;
using RagCluster.Nodes.Management.Forwarding;

namespace RagCluster.Nodes.Management;

/// <summary>
/// Probes, metrics and operations on a server of their own: nothing of the gateway can be reached through this port, and
/// nothing of this one through the gateway's.
/// </summary>
internal sealed class ManagementHost : IAsyncDisposable
{
    /// <summary>Requests here are a few words.</summary>
    private const int MaxRequestBytes = 64 << 10;

    private const int MaxConnections = 200;

    private readonly WebApplication _web;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _watching;

    private ManagementHost(WebApplication web, Uri url, Health health)
    {
        (_web, Url) = (web, url);
        _watching = health.Monitor.RunAsync(TimeProvider.System, _stopping.Token);
    }

    public Uri Url { get; }

    /// <summary>Answers what comes for this node by way of another.</summary>
    public Func<ReadOnlyMemory<byte>, CancellationToken, Task<ReadOnlyMemory<byte>>> Answer => _web.Services.GetRequiredService<NodeForwarding>().AnswerAsync;

    /// <exception cref="IOException">The port is in use, or a token or certificate cannot be read.</exception>
    public static async Task<ManagementHost> StartAsync(ManagedNode node, Health health, MetricsRegistry metrics, Action<ILoggingBuilder> logging, CancellationToken cancellationToken)
    {
        var options = node.Options.Management;
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        logging(builder.Logging);
        var services = builder.Services;
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(node);
        services.AddSingleton(health);
        services.AddSingleton(metrics);
        services.AddSingleton(new ManagementAccess(options));
        services.AddSingleton<NodeForwarding>();
        services.AddSingleton<NodeOperations>();
        services.AddSingleton<StoreCheck>();
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ManagementJson.Default));
        var tls = options.Tls.Certificate is null ? null : new ManagementTls(options.Tls);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxRequestBytes;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            if (tls is not null)
            {
                kestrel.ConfigureEndpointDefaults(tls.Use);
            }

            Listening.On(kestrel, options.Host, options.Port);
        });
        var web = builder.Build();
        try
        {
            Map(web);
            await Listening.StartAsync(web, "ragcluster.management.port", cancellationToken);
            return new ManagementHost(web, Listening.AddressOf(web), health);
        }
        catch
        {
            await web.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _watching;
        await _web.StopAsync(CancellationToken.None);
        await _web.DisposeAsync();
        _stopping.Dispose();
    }

    private static void Map(WebApplication web)
    {
        var forwarding = web.Services.GetRequiredService<NodeForwarding>();
        web.UseMiddleware<ManagementErrorStep>();
        web.UseStatusCodePages(async context => await ManagementProblems.Of(
            context.HttpContext.Response.StatusCode,
            context.HttpContext.Response.StatusCode == StatusCodes.Status405MethodNotAllowed ? "method-not-allowed" : "not-found",
            "This port has /startup, /alive, /ready, /health, /metrics, /cluster, /bootstrap, /entities, /actors, /dead-letters, /log, /config, /flags, /inference, /ingest and /store.").ExecuteAsync(context.HttpContext));
        web.UseMiddleware<AuthenticationStep>();
        web.Use(forwarding.InvokeAsync);

        // From here on also for what comes by way of another node, which has done the steps before.
        web.Use(next =>
        {
            forwarding.Serve(next, web.Services);
            return next;
        });
        web.UseMiddleware<ManagementErrorStep>();
        web.UseRouting();
        web.UseMiddleware<AuthorizationStep>();
        web.MapManagement();
    }
}
