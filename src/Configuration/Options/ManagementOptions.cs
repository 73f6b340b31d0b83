using RagCluster.Configuration.Binding;

namespace RagCluster.Configuration.Options;

/// <summary>Probes, metrics and what operators do, on a port of their own so that the public one can be opened without them.</summary>
public sealed record ManagementOptions : IChecked
{
    public bool Enabled { get; init; } = true;

    [Within("1", "253")]
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>0: any free port.</summary>
    [Within("0", "65535")]
    public int Port { get; init; } = 8558;

    /// <summary>Who may come in. Without any, and without <see cref="Tls"/>'s authorities, everybody on this machine may.</summary>
    [Within("0", "1000")]
    public IReadOnlyList<ManagementTokenOptions> Tokens { get; init; } = [];

    public ManagementTlsOptions Tls { get; init; } = new();

    /// <summary>Whether only this machine can reach it.</summary>
    public bool IsLoopback => HostNames.IsLoopback(Host);

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (!HostNames.IsValid(Host))
        {
            yield return ("host", "an IP address, localhost or * for all interfaces");
        }
        else if (Enabled && !IsLoopback && Tokens.Count == 0 && Tls.Authorities is null)
        {
            yield return ("host", "loopback, or at least one of management.tokens, or management.tls.authorities: without, everybody could stop nodes");
        }

        for (var i = 0; i < Tokens.Count; i++)
        {
            if (Tokens.Take(i).Any(token => token.Name == Tokens[i].Name))
            {
                yield return ($"tokens.{i}.name", "a name that no other token has");
            }
        }
    }
}

/// <summary>A bearer token of an operator, a script or a monitoring system.</summary>
public sealed record ManagementTokenOptions : IChecked
{
    /// <summary>For the log and the journal of changes; not secret.</summary>
    [Within("1", "100")]
    public string Name { get; init; } = "";

    /// <summary>A file whose first line is the token, or "env:NAME" for an environment variable.</summary>
    public string? TokenFile { get; init; }

    /// <summary>SHA-256 of the token in hexadecimal digits.</summary>
    [Secret]
    public string? TokenHash { get; init; }

    public ManagementRole Role { get; init; } = ManagementRole.Viewer;

    public IEnumerable<(string Key, string Expected)> Problems() => TokenOptions.Problems(TokenFile, TokenHash);
}

/// <summary>What somebody may do through management; each may what the one before may.</summary>
public enum ManagementRole
{
    /// <summary>Look, at everything but texts of users and documents.</summary>
    Viewer,

    /// <summary>Change what runs: drain, move, levels of the log, flags.</summary>
    Operator,

    /// <summary>See texts as well.</summary>
    Admin,
}

/// <summary>HTTPS for management, and client certificates.</summary>
public sealed record ManagementTlsOptions : IChecked
{
    public string? Certificate { get; init; }

    public string? Key { get; init; }

    /// <summary>Authorities whose client certificates are let in; null: certificates do not let anybody in.</summary>
    public string? Authorities { get; init; }

    /// <summary>What who has such a certificate may do.</summary>
    public ManagementRole Role { get; init; } = ManagementRole.Operator;

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (Certificate is null != Key is null)
        {
            yield return (Certificate is null ? "certificate" : "key", "a PEM file, as the other of certificate and key is given");
        }

        if (Authorities is not null && Certificate is null)
        {
            yield return ("certificate", "a PEM file, because client certificates need TLS");
        }
    }
}
