using Microsoft.Extensions.Logging;

namespace RagCluster.Inference.Endpoints;

internal static partial class EndpointLog
{
    [LoggerMessage(5001, LogLevel.Warning, "The inference endpoint {Url} failed ({Code}): {Reason}")]
    public static partial void EndpointFailed(this ILogger logger, string url, InferenceErrorCode code, string reason);

    [LoggerMessage(5002, LogLevel.Debug, "The inference endpoint {Url} answered {Path} in {Milliseconds} ms")]
    public static partial void EndpointAnswered(this ILogger logger, string url, string path, long milliseconds);
}
