using System.Text.Json;
using RagCluster.Inference;
using RagCluster.Kernel.Entities;

namespace RagCluster.Nodes.Gateway;

/// <summary>Turns what goes wrong into problem details. Nothing of a stack trace reaches a client.</summary>
internal sealed partial class ErrorMiddleware(RequestDelegate next, ILogger<ErrorMiddleware> log)
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
            var problem = ToProblem(context, e);
            context.Response.Clear();
            if (problem.RetryAfter is { } seconds)
            {
                context.Response.Headers.RetryAfter = seconds;
            }

            await problem.Result.ExecuteAsync(context);
        }
        catch (Exception e)
        {
            LogCutOff(log, context.Request.Path, e);
            context.Abort();
        }
    }

    private (IResult Result, string? RetryAfter) ToProblem(HttpContext context, Exception exception)
    {
        switch (exception)
        {
            case BadHttpRequestException { InnerException: JsonException json }:
                return (Problems.Invalid($"The body is not the JSON that is expected here: {json.Message}"), null);
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } e:
                return (Problems.TooLarge($"{e.Message} The limit is ragcluster.http.max-request-size."), null);
            case BadHttpRequestException e:
                return (Problems.Of(e.StatusCode, "invalid", e.Message), null);
            case InvalidDataException e:
                return (Problems.Invalid(e.Message), null);
            case ArgumentException e:
                return (Problems.Invalid(e.Message), null);
            case EntityUnavailableException e:
                return (Problems.Unavailable($"{e.Message} Nothing happened; try again."), "1");
            case TimeoutException or EntityFailedException:
                return (Problems.Of(StatusCodes.Status504GatewayTimeout, "timeout", "No reply in time. What became of the request is not known; sending it again with the same ids is safe."), "1");
            case InferenceException e:
                return (Problems.Of(StatusCodes.Status503ServiceUnavailable, "inference", e.Message), "2");
            default:
                LogFailed(log, context.Request.Method, context.Request.Path, exception);
                return (Problems.Of(StatusCodes.Status500InternalServerError, "internal", "The node failed at this request; its log says why."), null);
        }
    }

    [LoggerMessage(7011, LogLevel.Error, "{Method} {Path} failed.")]
    private static partial void LogFailed(ILogger log, string method, string path, Exception exception);

    [LoggerMessage(7012, LogLevel.Warning, "The response to {Path} was cut off.")]
    private static partial void LogCutOff(ILogger log, string path, Exception exception);
}
