using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;
using RagCluster.Messages.Identity;
using RagCluster.Nodes.Gateway.Chat;

namespace RagCluster.Nodes.Gateway.Identity;

/// <summary>
/// Finds out on whose behalf a request is made. The tenant comes from the token only. A client may act with fewer
/// roles than it has by naming them in <see cref="RolesHeader"/> (or, where headers cannot be set, in the query).
/// </summary>
internal sealed class Authentication(IdentityOptions options)
{
    public const string RolesHeader = "X-RagCluster-Roles";

    private const string SocketTokenPrefix = "bearer.";

    public bool IsOpen => options.Open is not null;

    /// <summary>The principal, or null where the request has no valid token.</summary>
    public Principal? Authenticate(HttpRequest request)
    {
        var full = TokenOf(request) is { } token ? Find(token) : options.Open;
        if (full is null)
        {
            return null;
        }

        StringValues asked = request.Headers[RolesHeader];
        if (asked.Count == 0)
        {
            asked = request.Query["roles"];
        }

        return asked.Count == 0
            ? full
            : full with { Roles = full.Roles.Intersect(RoleSet.Of(asked.SelectMany(v => (v ?? "").Split(',')))) };
    }

    /// <summary>
    /// Why a browser's request is refused before anything else is looked at, or null. A page of another site must not
    /// reach the node through its user's browser, neither directly nor by a name that it makes point here.
    /// </summary>
    public string? RefuseOrigin(HttpRequest request)
    {
        if (IsOpen && !IsLoopback(request.Host.Host))
        {
            return $"This node is open to its own machine only and does not answer as \"{request.Host.Host}\". Use http://127.0.0.1, or configure tokens.";
        }

        var origin = request.Headers.Origin.ToString();
        if (origin.Length == 0 || options.AllowedOrigins.Contains(origin, StringComparer.OrdinalIgnoreCase))
        {
            return null;
        }

        return Uri.TryCreate(origin, UriKind.Absolute, out var uri)
            && string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase)
            ? null
            : $"Pages of {origin} may not use this node. Add it to ragcluster.http.allowed-origins if they should.";
    }

    private static bool IsLoopback(string host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static string? TokenOf(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return header[7..].Trim();
        }

        // Browsers cannot set headers on a WebSocket; the token travels as a subprotocol, never in the URL.
        foreach (var protocol in request.HttpContext.WebSockets.WebSocketRequestedProtocols)
        {
            if (protocol.StartsWith(SocketTokenPrefix, StringComparison.Ordinal))
            {
                return protocol[SocketTokenPrefix.Length..];
            }
        }

        return null;
    }

    private Principal? Find(string token)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(token));
        Principal? found = null;
        foreach (var known in options.Tokens)
        {
            // All are compared, each in constant time: the time taken says nothing about which was near.
            if (CryptographicOperations.FixedTimeEquals(hash, Convert.FromHexString(known.Sha256)))
            {
                found = new Principal(known.Tenant, known.User, known.Roles);
            }
        }

        return found;
    }

    /// <summary>The subprotocol to accept a WebSocket with; null where the client named none of ours.</summary>
    public static string? Subprotocol(HttpContext context) =>
        context.WebSockets.WebSocketRequestedProtocols.Contains(ChatSocket.Protocol) ? ChatSocket.Protocol : null;
}

/// <summary>Refuses foreign pages and requests without a valid token; gives the rest their principal.</summary>
internal sealed class AuthenticationMiddleware(RequestDelegate next, Authentication authentication)
{
    public async Task InvokeAsync(HttpContext context)
    {
        if (authentication.RefuseOrigin(context.Request) is { } reason)
        {
            await Problems.Forbidden(reason).ExecuteAsync(context);
            return;
        }

        if (NeedsPrincipal(context.Request.Path))
        {
            if (authentication.Authenticate(context.Request) is not { } principal)
            {
                context.Response.Headers.WWWAuthenticate = "Bearer";
                await Problems.Of(StatusCodes.Status401Unauthorized, "unauthorized", "Send a valid token: \"Authorization: Bearer TOKEN\".").ExecuteAsync(context);
                return;
            }

            context.Features.Set(principal);
        }

        await next(context);
    }

    private static bool NeedsPrincipal(PathString path) => path.StartsWithSegments("/api") || path.StartsWithSegments("/v1");
}

internal static class PrincipalOfRequest
{
    /// <summary>On whose behalf the request is; the middleware has seen to it that there is somebody.</summary>
    public static Principal Principal(this HttpContext context) =>
        context.Features.Get<Principal>() ?? throw new InvalidOperationException($"{context.Request.Path} is served without authentication.");
}
