using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using RagCluster.Configuration.Options;
using RagCluster.Kernel.Journal;
using RagCluster.Nodes.Management.Access;
using RagCluster.Nodes.Management.Cluster;

namespace RagCluster.Nodes.Management.Forwarding;

/// <summary>A management request on its way to another node. The node that took it in has found out who asks.</summary>
internal sealed record ForwardedRequest(string Method, string Path, string Query, string? ContentType, byte[] Body, string Caller, ManagementRole Role);

internal sealed record ForwardedResponse(int Status, string? ContentType, byte[] Body);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ForwardedRequest))]
[JsonSerializable(typeof(ForwardedResponse))]
internal sealed partial class ForwardingJson : JsonSerializerContext;

/// <summary>
/// Any management request can be for another node, with <c>?node=NAME</c>: it goes there over the links of the cluster,
/// which are authenticated, so that one reachable management port is enough and no token travels.
/// </summary>
internal sealed class NodeForwarding(ManagedNode node)
{
    public const string Parameter = "node";

    private const int MaxBody = 16 << 20;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(40);

    private RequestDelegate? _pipeline;
    private IServiceProvider? _services;

    /// <summary>What a request that comes from another node runs through: routing, authorisation, the route.</summary>
    public void Serve(RequestDelegate pipeline, IServiceProvider services) => (_pipeline, _services) = (pipeline, services);

    public async Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Request.Query[Parameter].ToString() is not { Length: > 0 } name || context.FindCaller() is not { } caller || MembersView.Of(node) is not { } view)
        {
            await next(context);
            return;
        }

        if (view.Find(name) is not { } member)
        {
            await ClusterEndpoints.NoMember(name).ExecuteAsync(context);
            return;
        }

        if (member.Node == view.Self.Node)
        {
            await next(context);
            return;
        }

        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var request = new ForwardedRequest(
            context.Request.Method, context.Request.Path, context.Request.QueryString.Value ?? "", context.Request.ContentType, body.ToArray(), caller.Name, caller.Role);
        await (await SendAsync(member.Node, request, context.RequestAborted)).ExecuteAsync(context);
    }

    /// <summary>Sends a request of this node's own, with a form as its body.</summary>
    /// <exception cref="Kernel.Cluster.NodeCallException">The other node does not answer.</exception>
    public Task<IResult> SendAsync(NodeIncarnation target, string method, string path, string form, CancellationToken cancellationToken) =>
        SendAsync(target, new ForwardedRequest(method, path, "", "application/x-www-form-urlencoded", Encoding.UTF8.GetBytes(form), node.Options.Node.Name, ManagementRole.Operator), cancellationToken);

    /// <summary>Answers a request that another node has sent.</summary>
    public async Task<ReadOnlyMemory<byte>> AnswerAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        var request = JsonSerializer.Deserialize(message.Span, ForwardingJson.Default.ForwardedRequest) ?? throw new InvalidDataException("The request is empty.");
        if (_pipeline is null || _services is null)
        {
            throw new InvalidOperationException("The node's management is not there.");
        }

        await using var scope = _services.CreateAsyncScope();
        using var response = new MemoryStream();
        var context = new DefaultHttpContext { RequestServices = scope.ServiceProvider, RequestAborted = cancellationToken };
        context.Request.Method = request.Method;
        context.Request.Scheme = "http";
        context.Request.Path = request.Path;
        context.Request.QueryString = new QueryString(request.Query.Length == 0 ? null : request.Query);
        context.Request.ContentType = request.ContentType;
        context.Request.ContentLength = request.Body.Length;
        context.Request.Body = new MemoryStream(request.Body);
        context.Response.Body = response;
        context.Features.Set(new ManagementCaller(request.Caller, request.Role));
        await _pipeline(context);
        return response.Length > MaxBody
            ? throw new InvalidOperationException($"The answer has {response.Length} bytes, at most {MaxBody} pass between nodes: ask the node itself, or for less.")
            : JsonSerializer.SerializeToUtf8Bytes(new ForwardedResponse(context.Response.StatusCode, context.Response.ContentType, response.ToArray()), ForwardingJson.Default.ForwardedResponse);
    }

    private async Task<IResult> SendAsync(NodeIncarnation target, ForwardedRequest request, CancellationToken cancellationToken)
    {
        var answer = await node.NeedEntities().CallAsync(target, JsonSerializer.SerializeToUtf8Bytes(request, ForwardingJson.Default.ForwardedRequest), s_patience, cancellationToken);
        return new Passed(JsonSerializer.Deserialize(answer.Span, ForwardingJson.Default.ForwardedResponse) ?? throw new InvalidDataException($"{target} answered with nothing."));
    }

    private sealed class Passed(ForwardedResponse response) : IResult
    {
        public async Task ExecuteAsync(HttpContext context)
        {
            context.Response.StatusCode = response.Status;
            if (response.Body.Length > 0)
            {
                context.Response.ContentType = response.ContentType;
                await context.Response.Body.WriteAsync(response.Body, context.RequestAborted);
            }
        }
    }
}
