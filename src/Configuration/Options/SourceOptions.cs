using System.Net;
using RagCluster.Configuration.Binding;

namespace RagCluster.Configuration.Options;

/// <summary>Pages of the web.</summary>
public sealed record WebOptions : IChecked
{
    /// <summary>An address or a mailbox of whoever runs this crawler; null: nobody says.</summary>
    public string? Contact { get; init; }

    [Within("1s", "10m")]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    [Within("1KiB", "1GiB")]
    public ByteSize MaxBytes { get; init; } = ByteSize.MiB(16);

    [Within("0", "20")]
    public int MaxRedirects { get; init; } = 5;

    [Within("0", "1h")]
    public TimeSpan MinInterval { get; init; } = TimeSpan.FromSeconds(1);

    [Within("0", "1000")]
    public IReadOnlyList<string> AllowNetworks { get; init; } = [];

    [Within("0", "1000")]
    public IReadOnlyList<int> Ports { get; init; } = [80, 443, 8080, 8443];

    [Within("0", "1000")]
    public IReadOnlyList<WebSourceOptions> Sources { get; init; } = [];

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        for (var i = 0; i < AllowNetworks.Count; i++)
        {
            if (!IPNetwork.TryParse(AllowNetworks[i], out _))
            {
                yield return ($"allow-networks.{i}", "a network, such as \"10.20.0.0/16\" or \"fd12::/16\", whose address has no bits beyond its length");
            }
        }

        if (Contact is not null && Contact.Any(c => char.IsControl(c) || c is '(' or ')'))
        {
            yield return ("contact", "an address or a mailbox without control characters and parentheses: it goes into a header");
        }

        for (var i = 0; i < Sources.Count; i++)
        {
            if (Sources.Take(i).Any(other => other.Name == Sources[i].Name))
            {
                yield return ($"sources.{i}.name", "a name that no other web source has");
            }
        }
    }
}

/// <summary>Pages that a node visits again and again.</summary>
public sealed record WebSourceOptions : IChecked
{
    [Within("1", "100")]
    public string Name { get; init; } = "";

    [Within("1", "100")]
    public string Tenant { get; init; } = "default";

    [Within("0", "10000")]
    public IReadOnlyList<string> Urls { get; init; } = [];

    [Within("0", "1000")]
    public IReadOnlyList<string> Sitemaps { get; init; } = [];

    [Within("10s", "365d", OrNever = true)]
    public TimeSpan Revisit { get; init; } = TimeSpan.FromDays(1);

    [Within("1", "1000000")]
    public int MaxPages { get; init; } = 50_000;

    [Within("0", "100")]
    public IReadOnlyList<string> Readers { get; init; } = [];

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (Urls.Count == 0 && Sitemaps.Count == 0)
        {
            yield return ("name", "urls or sitemaps beside it");
        }

        foreach (var (list, key) in new[] { (Urls, "urls"), (Sitemaps, "sitemaps") })
        {
            for (var i = 0; i < list.Count; i++)
            {
                if (!Uri.TryCreate(list[i], UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.UserInfo.Length > 0)
                {
                    yield return ($"{key}.{i}", "an http or https address without user and password");
                }
            }
        }
    }
}

/// <summary>Buckets of services that speak S3's protocol.</summary>
public sealed record S3Options : IChecked
{
    [Within("0", "1000")]
    public IReadOnlyList<S3SourceOptions> Sources { get; init; } = [];

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        for (var i = 0; i < Sources.Count; i++)
        {
            if (Sources.Take(i).Any(other => other.Name == Sources[i].Name))
            {
                yield return ($"sources.{i}.name", "a name that no other S3 source has");
            }
        }
    }
}

/// <summary>A bucket that a node lists again and again.</summary>
public sealed record S3SourceOptions : IChecked
{
    [Within("1", "100")]
    public string Name { get; init; } = "";

    [Within("1", "100")]
    public string Tenant { get; init; } = "default";

    [Within("1", "2000")]
    public string Url { get; init; } = "";

    [Within("1", "100")]
    public string Region { get; init; } = "us-east-1";

    [Within("1", "255")]
    public string Bucket { get; init; } = "";

    [Within("0", "1024")]
    public string Prefix { get; init; } = "";

    /// <summary>Null: the bucket is public.</summary>
    public string? AccessKey { get; init; }

    /// <summary>A file whose first line is the secret key.</summary>
    public string? SecretKeyFile { get; init; }

    [Within("10s", "365d", OrNever = true)]
    public TimeSpan Revisit { get; init; } = TimeSpan.FromMinutes(10);

    [Within("0", "100")]
    public IReadOnlyList<string> Readers { get; init; } = [];

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (!Uri.TryCreate(Url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https") || uri.UserInfo.Length > 0)
        {
            yield return ("url", "the http or https address of the service, without user and password");
        }

        if (AccessKey is null != SecretKeyFile is null)
        {
            yield return (AccessKey is null ? "access-key" : "secret-key-file", "both of access-key and secret-key-file, or neither for a public bucket");
        }
    }
}
