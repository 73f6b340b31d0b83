using RagCluster.Messages;
using RagCluster.Messages.Identity;

namespace RagCluster.Nodes.Gateway.Identity;

/// <summary>Who may use the gateway, as what.</summary>
public sealed record IdentityOptions
{
    /// <summary>
    /// Everybody who reaches the node acts as this principal. Only for a node that listens on loopback; null where a
    /// token is needed.
    /// </summary>
    public Principal? Open { get; init; }

    public IReadOnlyList<AccessToken> Tokens { get; init; } = [];

    /// <summary>Origins, such as "https://chat.example.org", whose pages may call the API; the node's own always may.</summary>
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];
}

/// <param name="Sha256">The token's SHA-256: 64 lower-case hexadecimal digits. Tokens themselves are never kept.</param>
public sealed record AccessToken(string Name, string Sha256, TenantId Tenant, UserId User, RoleSet Roles);
