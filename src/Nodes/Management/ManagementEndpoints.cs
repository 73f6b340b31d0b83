namespace RagCluster.Nodes.Management;

/// <summary>/startup, /alive, /ready and /metrics: for orchestrators and monitoring, on a port of their own.</summary>
internal static class ManagementEndpoints
{
    public static void MapManagement(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/startup", (Health health) => Answer(health.Started ? null : health.NotReady)).ExcludeFromDescription();
        routes.MapGet("/alive", () => Answer(null)).ExcludeFromDescription();
        routes.MapGet("/ready", (Health health) => Answer(health.NotReady)).ExcludeFromDescription();
        routes.MapGet("/metrics", (MetricsRegistry metrics) => TypedResults.Text(metrics.Write(), MetricsRegistry.ContentType)).ExcludeFromDescription();
    }

    private static IResult Answer(string? reason) => TypedResults.Json(
        new HealthBody(reason is null ? "up" : "down", reason),
        ManagementJson.Default.HealthBody,
        statusCode: reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
}
