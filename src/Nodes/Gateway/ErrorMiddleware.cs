using System.Text.Json;
using RagCluster.Inference;
using RagCluster.Kernel.Entities;
using RagCluster.Kernel.Journal;
using RagCluster.Nodes.Hosting;

namespace RagCluster.Nodes.Gateway;

/// <summary>Turns what goes wrong into problem details. Nothing of a stack trace reaches a client.</summary>
internal sealed partial class ErrorMiddleware(RequestDelegate next, DataDisk disk, ILogger<ErrorMiddleware> log)
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

    /// <summary>COR_E_IO: an error that a reader found, not the operating system, which sets its own number.</summary>
    private const int FoundByReader = unchecked((int)0x80131620);

    private (IResult Result, string? RetryAfter) ToProblem(HttpContext context, Exception exception)
    {
        switch (exception)
        {
            case BadHttpRequestException { InnerException: JsonException json }:
                return (Problems.Invalid($"The body is not the JSON that is expected here: {json.Message}"), null);
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge } e:
                return (Problems.TooLarge($"{e.Message} The limit is ragcluster.http.max-request-size."), null);
            case BadHttpRequestException { StatusCode: StatusCodes.Status415UnsupportedMediaType }:
                return (Problems.Of(StatusCodes.Status415UnsupportedMediaType, "unsupported-media-type", "Send application/json."), null);
            case BadHttpRequestException e:
                return (Problems.Of(e.StatusCode, "invalid", e.Message), null);
            case InvalidDataException e:
                return (Problems.Invalid(e.Message), null);
            case IOException { HResult: FoundByReader } when context.Request.HasFormContentType:
                return (Problems.Invalid("The body ends before it is complete."), null);
            case { } e when DataDisk.HadNoRoom(e):
                LogDiskFull(log, context.Request.Method, context.Request.Path, exception);
                return (DiskFull("Nothing was changed."), "10");
            case TimeoutException or EntityFailedException when disk.IsFull:
                LogDiskFull(log, context.Request.Method, context.Request.Path, exception);
                return (DiskFull("What became of the request is not known; sending it again with the same ids is safe."), "10");
            case StoreException:
                LogFailed(log, context.Request.Method, context.Request.Path, exception);
                return (Problems.Unavailable("The node's store could not do it; nothing was changed. Its log says why."), "1");
            case ArgumentException e:
                return (Problems.Invalid(e.Message), null);
            case EntityUnavailableException e:
                return (Problems.Unavailable($"{e.Message} Nothing happened; try again."), "1");
            case TimeoutException or EntityFailedException:
                return (Problems.Of(StatusCodes.Status504GatewayTimeout, "timeout", "No reply in time. What became of the request is not known; sending it again with the same ids is safe."), "1");
            case InferenceException { Code: InferenceErrorCode.RateLimited } e:
                return (Problems.Of(StatusCodes.Status429TooManyRequests, "inference-overloaded", e.Message), Problems.Seconds(e.RetryAfter));
            case InferenceException e:
                return (Problems.Of(StatusCodes.Status503ServiceUnavailable, "inference", e.Message), "2");
            default:
                LogFailed(log, context.Request.Method, context.Request.Path, exception);
                return (Problems.Of(StatusCodes.Status500InternalServerError, "internal", "The node failed at this request; its log says why."), null);
        }
    }

    private static IResult DiskFull(string outcome) => Problems.Of(
        StatusCodes.Status507InsufficientStorage, "disk-full", $"The node's disk is full. {outcome} What is there can still be read. Make room for its data folder, then send this again.");

    [LoggerMessage(7013, LogLevel.Error, "{Method} {Path} failed: the disk of the data folder is full.")]
    private static partial void LogDiskFull(ILogger log, string method, string path, Exception exception);

    [LoggerMessage(7011, LogLevel.Error, "{Method} {Path} failed.")]
    private static partial void LogFailed(ILogger log, string method, string path, Exception exception);

    [LoggerMessage(7012, LogLevel.Warning, "The response to {Path} was cut off.")]
    private static partial void LogCutOff(ILogger log, string path, Exception exception);
}
