using Microsoft.AspNetCore.Mvc;
using RagCluster.Nodes.Gateway.OpenAi;

namespace RagCluster.Nodes.Gateway;

/// <summary>
/// Errors as RFC 9457 problem details: what happened and what to do, with a stable code for programs. Below /v1 they
/// have the shape that OpenAI's clients read.
/// </summary>
internal static class Problems
{
    public const string ContentType = "application/problem+json";

    public static IResult NotFound(string what) => Of(StatusCodes.Status404NotFound, "not-found", $"There is no such {what}.");

    public static IResult Invalid(string detail) => Of(StatusCodes.Status400BadRequest, "invalid", detail);

    public static IResult Forbidden(string detail) => Of(StatusCodes.Status403Forbidden, "forbidden", detail);

    public static IResult TooLarge(string detail) => Of(StatusCodes.Status413PayloadTooLarge, "too-large", detail);

    public static IResult Unavailable(string detail) => Of(StatusCodes.Status503ServiceUnavailable, "unavailable", detail);

    /// <summary>For a Retry-After header: whole seconds, never 0.</summary>
    public static string Seconds(TimeSpan? wait) => Math.Clamp(Math.Ceiling((wait ?? TimeSpan.FromSeconds(2)).TotalSeconds), 1, 86_400).ToString("0", System.Globalization.CultureInfo.InvariantCulture);

    public static IResult Of(int status, string code, string detail) => new Problem(status, code, detail);

    public static ProblemDetails Details(int status, string code, string detail) => new()
    {
        Status = status,
        Title = Title(status),
        Detail = detail,
        Type = $"urn:ragcluster:problem:{code}",
        Extensions = { ["code"] = code },
    };

    private static string Title(int status) => status switch
    {
        StatusCodes.Status400BadRequest => "The request cannot be understood",
        StatusCodes.Status401Unauthorized => "Not signed in",
        StatusCodes.Status403Forbidden => "Not allowed",
        StatusCodes.Status404NotFound => "Not found",
        StatusCodes.Status405MethodNotAllowed => "Method not allowed",
        StatusCodes.Status409Conflict => "In conflict with the present state",
        StatusCodes.Status413PayloadTooLarge => "Too large",
        StatusCodes.Status415UnsupportedMediaType => "Unsupported media type",
        StatusCodes.Status429TooManyRequests => "Too many requests",
        StatusCodes.Status503ServiceUnavailable => "Not available now",
        StatusCodes.Status504GatewayTimeout => "No answer in time",
        StatusCodes.Status507InsufficientStorage => "No room on the disk",
        _ => status >= 500 ? "The node failed" : "The request failed",
    };

    /// <summary>Takes its shape when it is known who reads it.</summary>
    private sealed class Problem(int status, string code, string detail) : IResult
    {
        public Task ExecuteAsync(HttpContext context) => context.Request.Path.StartsWithSegments("/v1")
            ? OpenAiEndpoints.Error(status, code, detail).ExecuteAsync(context)
            : TypedResults.Problem(Details(status, code, detail)).ExecuteAsync(context);
    }
}
