using RagCluster.Kernel.Journal;
using RagCluster.Nodes.Gateway;

namespace RagCluster.Nodes.Management;

/// <summary>/startup, /alive, /ready, /metrics and /cluster: for orchestrators and monitoring, on a port of their own.</summary>
internal static class ManagementEndpoints
{
    public static void MapManagement(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/startup", (Health health) => Answer(health.Started ? null : health.NotReady)).ExcludeFromDescription();
        routes.MapGet("/alive", () => Answer(null)).ExcludeFromDescription();
        routes.MapGet("/ready", (Health health) => Answer(health.NotReady)).ExcludeFromDescription();
        routes.MapGet("/cluster", (ClusterView cluster) => cluster.Describe() is { } body
            ? TypedResults.Json(body, ManagementJson.Default.ClusterBody)
            : Problems.Of(StatusCodes.Status503ServiceUnavailable, "no-member", "This node is not, or not yet, a member of a cluster.")).ExcludeFromDescription();
        routes.MapPut("/cluster/members/{node}", DownAsync).ExcludeFromDescription();
        routes.MapGet("/metrics", (MetricsRegistry metrics) => TypedResults.Text(metrics.Write(), MetricsRegistry.ContentType)).ExcludeFromDescription();
    }

    /// <summary>Declares a member dead that certainly does not run any more, so that nobody waits for the end of its lease.</summary>
    private static async Task<IResult> DownAsync(string node, string? operation, ClusterView cluster, CancellationToken cancellationToken)
    {
        if (operation != "down")
        {
            return Problems.Invalid("The only operation is operation=down.");
        }

        if (cluster.Entities?.DescribeCluster() is not { } status)
        {
            return Problems.Of(StatusCodes.Status503ServiceUnavailable, "no-member", "This node is not, or not yet, a member of a cluster.");
        }

        return status.Members.LastOrDefault(member => member.Node.Node == node && member.State is not (NodeState.Dead or NodeState.Left)) is { } known
            && await cluster.Entities.DownAsync(known.Node, cancellationToken)
                ? TypedResults.NoContent()
                : Problems.NotFound("living member");
    }

    private static IResult Answer(string? reason) => TypedResults.Json(
        new HealthBody(reason is null ? "up" : "down", reason),
        ManagementJson.Default.HealthBody,
        statusCode: reason is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
}
