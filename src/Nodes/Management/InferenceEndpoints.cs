using RagCluster.Actors.Inference;
using RagCluster.Configuration.Options;
using RagCluster.Nodes.Management.Access;

namespace RagCluster.Nodes.Management;

public sealed record InferenceJson(IReadOnlyList<EndpointStatus> Endpoints);

/// <summary>/inference: the endpoints as this node sees them, taken out of service and back. Each node has a view of its own.</summary>
internal static class InferenceEndpoints
{
    public static void MapInference(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/inference", async (ManagedNode node, CancellationToken cancellationToken) =>
            TypedResults.Json(new InferenceJson(await node.NeedRunning().Cast.Inference.DescribeAsync(cancellationToken)), ManagementJson.Default.InferenceJson));
        routes.MapPut("/inference/endpoints/{name}", ChangeAsync).Needs(ManagementRole.Operator);
    }

    private static async Task<IResult> ChangeAsync(string name, HttpRequest request, ManagedNode node, CancellationToken cancellationToken)
    {
        var operation = (await Arguments.ReadAsync(request, cancellationToken)).OneOf("operation", "drain", "resume");
        return await node.NeedRunning().Cast.Inference.SetDrainedAsync(name, operation == "drain", cancellationToken)
            ? TypedResults.NoContent()
            : ManagementProblems.NotFound($"There is no inference endpoint \"{name}\". GET /inference lists them.");
    }
}
