using RagCluster.Configuration.Options;

namespace RagCluster.Nodes.Management.Access;

/// <summary>What a route asks of its caller. A route without it is for every viewer.</summary>
/// <param name="Role">Null: for everybody, known or not.</param>
internal sealed record AccessRule(ManagementRole? Role);

internal static class AccessRules
{
    /// <summary>Only callers of this role, or more, may use the route.</summary>
    public static TBuilder Needs<TBuilder>(this TBuilder route, ManagementRole role)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new AccessRule(role));

    /// <summary>Everybody may use the route: probes, whose callers have no token.</summary>
    public static TBuilder ForEverybody<TBuilder>(this TBuilder route)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new AccessRule(null));

    /// <summary>Who asks; null at a route for everybody.</summary>
    public static ManagementCaller? FindCaller(this HttpContext context) => context.Features.Get<ManagementCaller>();

    public static ManagementCaller Caller(this HttpContext context) =>
        context.FindCaller() ?? throw new InvalidOperationException($"{context.Request.Path} is served without authentication.");

    /// <summary>Whether the caller may see texts of users and documents.</summary>
    public static bool MaySeeTexts(this HttpContext context) => context.FindCaller() is { Role: ManagementRole.Admin };
}

/// <summary>Tells who asks. Refuses foreign pages and tokens in URLs; what a route needs is checked once it is known.</summary>
internal sealed class AuthenticationStep(RequestDelegate next, ManagementAccess access)
{
    private static readonly string[] s_tokenNames = ["token", "access_token", "api_key"];

    public async Task InvokeAsync(HttpContext context)
    {
        if (access.Refuse(context.Request) is { } reason)
        {
            await ManagementProblems.Of(StatusCodes.Status403Forbidden, "forbidden", reason).ExecuteAsync(context);
            return;
        }

        if (s_tokenNames.FirstOrDefault(context.Request.Query.ContainsKey) is { } name)
        {
            await ManagementProblems.Invalid($"A secret does not belong in a URL, which is logged on its way (\"{name}\"). Change it, and send the new one as \"Authorization: Bearer TOKEN\".").ExecuteAsync(context);
            return;
        }

        if (access.Authenticate(context) is { } caller)
        {
            context.Features.Set(caller);
        }

        await next(context);
    }
}

/// <summary>Refuses who may not use the route, and writes down who changed something.</summary>
internal sealed partial class AuthorizationStep(RequestDelegate next, ILogger<AuthorizationStep> log)
{
    public async Task InvokeAsync(HttpContext context)
    {
        var caller = context.FindCaller();
        var rule = context.GetEndpoint()?.Metadata.GetMetadata<AccessRule>();
        if (rule is not { Role: null })
        {
            if (caller is null)
            {
                context.Response.Headers.WWWAuthenticate = "Bearer";
                await ManagementProblems.Of(StatusCodes.Status401Unauthorized, "unauthorized", "Send a valid token of ragcluster.management.tokens: \"Authorization: Bearer TOKEN\".").ExecuteAsync(context);
                return;
            }

            var needed = rule?.Role ?? ManagementRole.Viewer;
            if (caller.Role < needed)
            {
                LogRefused(log, caller.Name, caller.Role, context.Request.Method, context.Request.Path);
                await ManagementProblems.Of(StatusCodes.Status403Forbidden, "forbidden", $"This needs the role {needed.ToString().ToLowerInvariant()}; \"{caller.Name}\" has {caller.Role.ToString().ToLowerInvariant()}.").ExecuteAsync(context);
                return;
            }
        }

        await next(context);
        if (caller is not null && !HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            LogChanged(log, caller.Name, caller.Role, context.Request.Method, context.Request.Path, context.Response.StatusCode);
        }
    }

    [LoggerMessage(7200, Microsoft.Extensions.Logging.LogLevel.Warning, "Management refused {Name} ({Role}): {Method} {Path}.")]
    private static partial void LogRefused(ILogger log, string name, ManagementRole role, string method, string path);

    [LoggerMessage(7201, Microsoft.Extensions.Logging.LogLevel.Information, "Management: {Name} ({Role}) {Method} {Path}: {Status}.")]
    private static partial void LogChanged(ILogger log, string name, ManagementRole role, string method, string path, int status);
}
