using RagCluster.Configuration.Options;
using RagCluster.Kernel.Cluster;
using RagCluster.Nodes.Gateway;
using RagCluster.Nodes.Management.Access;

namespace RagCluster.Nodes.Management.Cluster;

public sealed record MessageJson(string Message);

/// <summary>/cluster and /bootstrap: the routes and shapes of Akka and Pekko Management, and what we have beyond them.</summary>
internal static class ClusterEndpoints
{
    /// <summary>Open streams of events at a time.</summary>
    private const int MaxStreams = 32;

    private static int s_streams;

    public static void MapCluster(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/cluster", (ManagedNode node) => ClusterView.Describe(node) is { } body ? TypedResults.Json(body, ManagementJson.Default.ClusterBody) : ManagementProblems.NotYet());
        routes.MapPut("/cluster", ShutDownAsync).Needs(ManagementRole.Operator);
        routes.MapGet("/cluster/members", (ManagedNode node) => MembersView.Of(node) is { } view ? TypedResults.Json(view.Json(), ManagementJson.Default.MembersJson) : ManagementProblems.NotYet());
        routes.MapPost("/cluster/members", JoinAsync).Needs(ManagementRole.Operator);
        routes.MapGet("/cluster/members/{**address}", (string address, ManagedNode node) =>
            MembersView.Of(node) is not { } view ? ManagementProblems.NotYet()
            : view.Find(address) is { } member ? TypedResults.Json(view.Json(member), ManagementJson.Default.MemberJson)
            : NoMember(address));
        routes.MapPut("/cluster/members/{**address}", OperateAsync).Needs(ManagementRole.Operator);
        routes.MapDelete("/cluster/members/{**address}", (string address, NodeOperations operations, CancellationToken cancellationToken) =>
            RunAsync(address, "Leave", operations, cancellationToken)).Needs(ManagementRole.Operator);
        routes.MapGet("/cluster/domain-events", Events);
        routes.MapGet("/bootstrap/seed-nodes", (ManagedNode node) => MembersView.Of(node) is { } view ? TypedResults.Json(view.SeedNodes(), ManagementJson.Default.SeedNodesJson) : ManagementProblems.NotYet());
        routes.MapPost("/cluster/rebalance", (ManagedNode node) =>
        {
            node.NeedEntities().Rebalance();
            return Message("Shards that are out of balance move now, a few at a time.");
        }).Needs(ManagementRole.Operator);
    }

    public static IResult Message(string message) => TypedResults.Json(new MessageJson(message), ManagementJson.Default.MessageJson);

    public static IResult NoMember(string address) => ManagementProblems.NotFound($"Member [{address}] not found. GET /cluster/members lists those that live.");

    private static async Task<IResult> OperateAsync(string address, HttpRequest request, NodeOperations operations, CancellationToken cancellationToken)
    {
        var arguments = await Arguments.ReadAsync(request, cancellationToken);
        return await RunAsync(address, arguments.OneOf("operation", "Leave", "Down", "Drain", "Undrain"), operations, cancellationToken);
    }

    private static async Task<IResult> RunAsync(string address, string operation, NodeOperations operations, CancellationToken cancellationToken) => operation switch
    {
        "Down" => await operations.DownAsync(address, cancellationToken),
        "Leave" => await operations.LeaveAsync(address, cancellationToken),
        "Drain" => await operations.DrainAsync(address, cancellationToken),
        _ => await operations.UndrainAsync(address, cancellationToken),
    };

    private static async Task<IResult> JoinAsync(HttpRequest request, ManagedNode node, CancellationToken cancellationToken)
    {
        var address = (await Arguments.ReadAsync(request, cancellationToken)).Needed("address");
        return MembersView.Of(node) is { } view && view.Find(address) is { } member
            ? Message($"{view.AddressOf(member)} is a member already.")
            : ManagementProblems.Conflict($"A node joins by itself when it starts with the same store (ragcluster.store): start the node at {address}.");
    }

    private static async Task<IResult> ShutDownAsync(HttpRequest request, NodeOperations operations, CancellationToken cancellationToken)
    {
        (await Arguments.ReadAsync(request, cancellationToken)).OneOf("operation", "Prepare-for-full-shutdown");
        return await operations.StopAllAsync(cancellationToken);
    }

    private static IResult Events(HttpContext context, ManagedNode node, TimeProvider time)
    {
        var filter = DomainEvents.Filter([.. context.Request.Query["type"].SelectMany(value => (value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))]);
        if (Interlocked.Increment(ref s_streams) > MaxStreams)
        {
            Interlocked.Decrement(ref s_streams);
            return ManagementProblems.Of(StatusCodes.Status503ServiceUnavailable, "too-many-streams", $"This node sends its events to {MaxStreams} listeners already.");
        }

        context.Response.OnCompleted(() =>
        {
            Interlocked.Decrement(ref s_streams);
            return Task.CompletedTask;
        });
        var events = new DomainEvents(node, time);
        return new ServerSentEvents<DomainEventJson>(events.ReadAsync(filter, context.RequestAborted), ManagementJson.Default.DomainEventJson, time);
    }
}
