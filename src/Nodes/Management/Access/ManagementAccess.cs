using System.Net;
using System.Security.Cryptography;
using System.Text;
using RagCluster.Configuration.Options;
using RagCluster.Nodes.Hosting;

namespace RagCluster.Nodes.Management.Access;

/// <summary>Who asks for something through management.</summary>
/// <param name="Name">The token's or the certificate's; for the log and the journal.</param>
internal sealed record ManagementCaller(string Name, ManagementRole Role);

/// <summary>
/// Finds out who comes in: by token, by client certificate, or, where neither is configured, everybody on this machine.
/// </summary>
internal sealed class ManagementAccess
{
    private readonly (string Name, byte[] Hash, ManagementRole Role)[] _tokens;
    private readonly ManagementRole? _certificates;

    /// <exception cref="IOException">A token cannot be read.</exception>
    public ManagementAccess(ManagementOptions options)
    {
        _tokens = [.. options.Tokens.Select(token => (token.Name, Convert.FromHexString(SecretText.HashOf(token.Name, token.TokenFile, token.TokenHash)), token.Role))];
        _certificates = options.Tls.Authorities is null ? null : options.Tls.Role;
        IsOpen = _tokens.Length == 0 && _certificates is null;
        if (IsOpen && !options.IsLoopback)
        {
            // The configuration has been checked; this is the last door.
            throw new InvalidOperationException("Management without tokens and certificates may listen on loopback only.");
        }
    }

    /// <summary>No token is needed; then only this machine can reach the port.</summary>
    public bool IsOpen { get; }

    /// <summary>Null: nobody who may come in.</summary>
    public ManagementCaller? Authenticate(HttpContext context)
    {
        if (IsOpen)
        {
            return new ManagementCaller("this machine", ManagementRole.Admin);
        }

        var header = context.Request.Headers.Authorization.ToString();
        if (header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase))
        {
            return Find(header[7..].Trim());
        }

        // The handshake has checked its chain, its dates and its purpose.
        return _certificates is { } role && context.Connection.ClientCertificate is { } certificate
            ? new ManagementCaller(certificate.GetNameInfo(System.Security.Cryptography.X509Certificates.X509NameType.SimpleName, forIssuer: false), role)
            : null;
    }

    /// <summary>Why the request is refused whoever sends it: a web page must reach this port neither directly nor by a name that it makes point here.</summary>
    public string? Refuse(HttpRequest request)
    {
        if (IsOpen && !IsLoopback(request.Host.Host))
        {
            return $"This port is open to its own machine only and does not answer as \"{request.Host.Host}\". Use 127.0.0.1, or configure ragcluster.management.tokens.";
        }

        var origin = request.Headers.Origin.ToString();
        return origin.Length == 0 || (Uri.TryCreate(origin, UriKind.Absolute, out var uri) && string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase))
            ? null
            : $"Pages of {origin} may not use management.";
    }

    private static bool IsLoopback(string host) =>
        string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private ManagementCaller? Find(string token)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(token));
        ManagementCaller? found = null;
        foreach (var known in _tokens)
        {
            // All are compared, each in constant time: the time taken says nothing about which was near.
            if (CryptographicOperations.FixedTimeEquals(hash, known.Hash))
            {
                found = new ManagementCaller(known.Name, known.Role);
            }
        }

        return found;
    }
}
