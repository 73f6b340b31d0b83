using RagCluster.Configuration.Options;
using RagCluster.Nodes.Gateway;
using RagCluster.Nodes.Hosting;

namespace RagCluster.Nodes.Management;

/// <summary>
/// Probes and metrics on a server of their own: nothing of the gateway can be reached through this port, and nothing of
/// this one through the gateway's.
/// </summary>
internal sealed class ManagementHost : IAsyncDisposable
{
    private readonly WebApplication _web;

    private ManagementHost(WebApplication web, Uri url) => (_web, Url) = (web, url);

    public Uri Url { get; }

    /// <exception cref="IOException">The port is in use.</exception>
    public static async Task<ManagementHost> StartAsync(
        ManagementOptions options, Health health, ClusterView cluster, MetricsRegistry metrics, Action<ILoggingBuilder> logging, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.ClearProviders();
        logging(builder.Logging);
        builder.Services.AddSingleton(health);
        builder.Services.AddSingleton(cluster);
        builder.Services.AddSingleton(metrics);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 0;
            Listening.On(kestrel, options.Host, options.Port);
        });
        var web = builder.Build();
        try
        {
            web.UseStatusCodePages(context => Problems.Of(
                context.HttpContext.Response.StatusCode, "not-found", "This port has /startup, /alive, /ready, /metrics and /cluster.").ExecuteAsync(context.HttpContext));
            web.MapManagement();
            await Listening.StartAsync(web, "ragcluster.management.port", cancellationToken);
            return new ManagementHost(web, Listening.AddressOf(web));
        }
        catch
        {
            await web.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _web.StopAsync(CancellationToken.None);
        await _web.DisposeAsync();
    }
}
