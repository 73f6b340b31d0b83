using RagCluster.Configuration.Binding;

namespace RagCluster.Configuration.Options;

/// <summary>Who may come in, and as whom.</summary>
public sealed record SecurityOptions : IChecked
{
    [Within("0", "10000")]
    public IReadOnlyList<TokenOptions> Tokens { get; init; } = [];

    public OpenAccessOptions Open { get; init; } = new();

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        for (var i = 0; i < Tokens.Count; i++)
        {
            if (Tokens.Take(i).Any(token => token.Name == Tokens[i].Name))
            {
                yield return ($"tokens.{i}.name", "a name that no other token has");
            }
        }
    }
}

/// <summary>
/// A bearer token and the principal that it stands for. The token itself is never in the configuration: it is in a file,
/// or only its hash is known.
/// </summary>
public sealed record TokenOptions : IChecked
{
    /// <summary>For logs and the audit; not secret.</summary>
    [Within("1", "100")]
    public string Name { get; init; } = "";

    /// <summary>A file whose first line is the token, or "env:NAME" for an environment variable.</summary>
    public string? TokenFile { get; init; }

    /// <summary>SHA-256 of the token in hexadecimal digits.</summary>
    [Secret]
    public string? TokenHash { get; init; }

    [Within("1", "100")]
    public string Tenant { get; init; } = "default";

    [Within("1", "100")]
    public string User { get; init; } = "";

    [Within("0", "100")]
    public IReadOnlyList<string> Roles { get; init; } = [];

    public IEnumerable<(string Key, string Expected)> Problems() => Problems(TokenFile, TokenHash);

    internal static IEnumerable<(string Key, string Expected)> Problems(string? file, string? hash)
    {
        if (file is null == hash is null)
        {
            yield return (file is null ? "name" : "token-file", "exactly one of token-file and token-hash beside it");
        }

        if (hash is not null && (hash.Length != 64 || !hash.All(char.IsAsciiHexDigit)))
        {
            yield return ("token-hash", "the SHA-256 of the token as 64 hexadecimal digits");
        }
    }
}

/// <summary>Access without a token, as the principal given here.</summary>
public sealed record OpenAccessOptions
{
    public OpenAccess Enabled { get; init; } = OpenAccess.Auto;

    [Within("1", "100")]
    public string Tenant { get; init; } = "default";

    [Within("1", "100")]
    public string User { get; init; } = "local";

    [Within("0", "100")]
    public IReadOnlyList<string> Roles { get; init; } = ["customer", "adviser", "underwriter", "admin"];
}

public enum OpenAccess
{
    /// <summary>Where the gateway listens on loopback only and no token is configured.</summary>
    Auto,

    /// <summary>Always; refused unless the gateway listens on loopback only.</summary>
    On,
    Off,
}

/// <summary>How much one principal may ask of the node; over it, the answer is 429 with Retry-After.</summary>
public sealed record LimitsOptions
{
    [Within("1", "1000000")]
    public int RequestsPerSecond { get; init; } = 200;

    [Within("1", "1000000")]
    public int Burst { get; init; } = 400;
}
