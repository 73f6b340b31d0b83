using RagCluster.Nodes.Management.Access;
using RagCluster.Nodes.Management.ActorTrees;
using RagCluster.Nodes.Management.Cluster;
using RagCluster.Nodes.Management.Entities;
using RagCluster.Nodes.Management.Logs;

namespace RagCluster.Nodes.Management;

/// <summary>Everything on the management port: probes and metrics here, the rest each in its own place.</summary>
internal static class ManagementEndpoints
{
    public static void MapManagement(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/startup", (Health health) => Answer(health.Started ? null : health.NotReady)).ForEverybody();
        routes.MapGet("/alive", () => Answer(null)).ForEverybody();
        routes.MapGet("/ready", (Health health) => Answer(health.NotReady)).ForEverybody();
        routes.MapGet("/health", (HttpContext context, Health health) => Report(context, health)).ForEverybody();
        routes.MapGet("/metrics", (HttpRequest request, MetricsRegistry metrics) =>
        {
            var openMetrics = request.Headers.Accept.ToString().Contains("application/openmetrics-text", StringComparison.OrdinalIgnoreCase);
            return TypedResults.Text(metrics.Write(openMetrics), openMetrics ? MetricsRegistry.OpenMetrics : MetricsRegistry.PlainText);
        });
        routes.MapCluster();
        routes.MapShards();
        routes.MapEntities();
        routes.MapActors();
        routes.MapLogs();
        routes.MapConfiguration();
        routes.MapFlags();
        routes.MapInference();
        routes.MapIngest();
        StoreCheck.Map(routes);
    }

    private static IResult Answer(string? reason) => TypedResults.Json(
        new HealthBody(reason is null ? "up" : "down", reason),
        ManagementJson.Default.HealthBody,
        statusCode: reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);

    private static IResult Report(HttpContext context, Health health)
    {
        var known = context.FindCaller() is not null;
        var reason = health.NotReady;
        var worst = health.Monitor.Worst;
        var status = reason is not null && worst < HealthStatus.Saturated ? HealthStatus.Down : worst;
        return TypedResults.Json(
            new HealthReportBody(status.ToString().ToLowerInvariant(), reason is null, known ? reason : null, health.Monitor.Report(known)),
            ManagementJson.Default.HealthReportBody,
            statusCode: reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }
}
