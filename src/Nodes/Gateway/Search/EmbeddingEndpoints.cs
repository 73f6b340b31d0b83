using RagCluster.Actors.Documents;
using RagCluster.Actors.Partitions;
using RagCluster.Messages.Partitions;
using RagCluster.Nodes.Gateway.Identity;

namespace RagCluster.Nodes.Gateway.Search;

/// <summary>/api/v1/embedding: the model in use, and how far partitions are that are embedded anew.</summary>
internal static class EmbeddingEndpoints
{
    public static void MapEmbedding(this IEndpointRouteBuilder api) =>
        api.MapGet("/embedding", Describe).WithTags("search")
            .WithSummary("The embedding model, and how far the tenant's partitions on this node are that are embedded anew by it. For holders of the role admin.")
            .Produces<EmbeddingStateBody>().ProducesProblem(403);

    private static IResult Describe(HttpContext context, Reembedder reembedder)
    {
        var principal = context.Principal();
        if (!principal.Roles.Contains(DocumentService.Administrator))
        {
            return Problems.Forbidden($"The state of the index is shown to holders of the role \"{DocumentService.Administrator}\".");
        }

        var target = reembedder.Target;
        var own = reembedder.Board.Where(status => status.Partition[..status.Partition.LastIndexOf('/')] == principal.Tenant.Value);
        return TypedResults.Json(
            new EmbeddingStateBody(target.Name, target.Dimensions, [.. own.Select(ReembeddingBody.Of)]), GatewayJson.Default.EmbeddingStateBody);
    }
}

/// <param name="Dimensions">0 where the model has not said yet.</param>
public sealed record EmbeddingStateBody(string Model, int Dimensions, IReadOnlyList<ReembeddingBody> Partitions);

/// <param name="From">The model by whose vectors the partition is searched.</param>
/// <param name="State">waiting, embedding, comparing, switched or kept.</param>
/// <param name="Comparison">The recall of both models, once they were compared.</param>
public sealed record ReembeddingBody(
    string Partition, string? From, string To, string State, int Documents, int Done, ModelComparison? Comparison, string? Reason)
{
    internal static ReembeddingBody Of(ReembeddingStatus status) => new(
        status.Partition, status.From?.ToString(), status.To.ToString(), status.State, status.Documents, status.Done, status.Comparison, status.Reason);
}
