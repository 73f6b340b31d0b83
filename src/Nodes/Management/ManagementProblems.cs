using Microsoft.AspNetCore.Mvc;
using RagCluster.Nodes.Gateway;

namespace RagCluster.Nodes.Management;

/// <summary>
/// Errors of the management port: problem details (RFC 9457) that carry "message" as Pekko Management's errors do, and
/// "error" with reason and message as those of Akka.Management do, so that scripts for these read them.
/// </summary>
internal static class ManagementProblems
{
    public static IResult Invalid(string detail) => Of(StatusCodes.Status400BadRequest, "invalid", detail);

    public static IResult NotFound(string detail) => Of(StatusCodes.Status404NotFound, "not-found", detail);

    public static IResult Conflict(string detail) => Of(StatusCodes.Status409Conflict, "conflict", detail);

    public static IResult NotYet() => Of(StatusCodes.Status503ServiceUnavailable, "no-member", "This node is not, or not yet, a member of a cluster.");

    /// <summary>Where a cluster is needed and there is one node only.</summary>
    public static IResult Alone() => Of(StatusCodes.Status503ServiceUnavailable, "no-member", "This node is alone on its store: it is no member of a cluster.");

    public static IResult Of(int status, string code, string detail)
    {
        ProblemDetails details = Problems.Details(status, code, detail);
        details.Extensions["message"] = detail;
        details.Extensions["error"] = new Dictionary<string, string> { ["reason"] = code, ["message"] = detail };
        return TypedResults.Problem(details);
    }
}

/// <summary>Turns what goes wrong at a management request into an answer. Nothing of a stack trace reaches a caller.</summary>
internal sealed partial class ManagementErrorStep(RequestDelegate next, ILogger<ManagementErrorStep> log)
{
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to be told.
        }
        catch (Exception e) when (!context.Response.HasStarted)
        {
            context.Response.Clear();
            await ToProblem(context, e).ExecuteAsync(context);
        }
    }

    private IResult ToProblem(HttpContext context, Exception exception)
    {
        switch (exception)
        {
            case BadHttpRequestException e:
                return ManagementProblems.Of(e.StatusCode, "invalid", e.Message);
            case InvalidDataException or ArgumentException or System.Text.Json.JsonException:
                return ManagementProblems.Invalid(exception.Message);
            case InvalidOperationException e:
                return ManagementProblems.Conflict(e.Message);
            case Kernel.Cluster.NodeCallException e:
                return ManagementProblems.Of(StatusCodes.Status504GatewayTimeout, "node-silent", e.Message);
            case Kernel.Journal.StoreException e:
                LogFailed(log, context.Request.Method, context.Request.Path, exception);
                return ManagementProblems.Of(StatusCodes.Status503ServiceUnavailable, "store", $"The store does not answer: {e.Message}");
            case Kernel.Entities.EntityUnavailableException or TimeoutException or Kernel.Entities.EntityFailedException:
                return ManagementProblems.Of(StatusCodes.Status503ServiceUnavailable, "unavailable", exception.Message);
            default:
                LogFailed(log, context.Request.Method, context.Request.Path, exception);
                return ManagementProblems.Of(StatusCodes.Status500InternalServerError, "internal", "The node failed at this request; its log says why.");
        }
    }

    [LoggerMessage(7202, LogLevel.Error, "Management: {Method} {Path} failed.")]
    private static partial void LogFailed(ILogger log, string method, string path, Exception exception);
}
