using System.Globalization;
using RagCluster.Configuration.Binding;

namespace RagCluster.Configuration.Options;

/// <summary>Several nodes as one.</summary>
public sealed record ClusterOptions : IChecked
{
    public bool Enabled { get; init; }

    /// <summary>Nodes of a cluster with another name are refused.</summary>
    [Within("1", "100")]
    public string Name { get; init; } = "ragcluster";

    /// <summary>Where the node listens for its peers: an IP address, <c>localhost</c>, or <c>*</c> for all interfaces.</summary>
    [Within("1", "253")]
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>0: any free port.</summary>
    [Within("0", "65535")]
    public int Port { get; init; } = 2552;

    /// <summary>The name or address under which peers reach the node; null: host.</summary>
    public string? Advertise { get; init; }

    /// <summary>A file whose first line every node of the cluster knows.</summary>
    public string? SecretFile { get; init; }

    public ClusterTlsOptions Tls { get; init; } = new();

    public ClusterTransportOptions Transport { get; init; } = new();

    public ClusterDiscoveryOptions Discovery { get; init; } = new();

    [Within("1s", "5m")]
    public TimeSpan Lease { get; init; } = TimeSpan.FromMilliseconds(2400);

    [Within("1s", "10m")]
    public TimeSpan SuspectAfter { get; init; } = TimeSpan.FromSeconds(3);

    [Within("100ms", "10m")]
    public TimeSpan HandOffTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Requests are still taken for so long after the node has said that it stops.</summary>
    [Within("0", "5m")]
    public TimeSpan Linger { get; init; } = TimeSpan.FromSeconds(1);

    [Within("1", "1000000")]
    public int BufferPerShard { get; init; } = 1_000;

    [Within("1MiB", "2047MiB")]
    public ByteSize MaxMessage { get; init; } = ByteSize.MiB(256);

    [Within("1s", "1h")]
    public TimeSpan JoinTimeout { get; init; } = TimeSpan.FromMinutes(5);

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (!HostNames.IsValid(Host))
        {
            yield return ("host", "an IP address, localhost or * for all interfaces");
        }

        if (Enabled && Host == "*" && Advertise is null)
        {
            yield return ("advertise", "the name or address under which the other nodes reach this one, because host is *");
        }

        if (Enabled && SecretFile is null && Tls.Certificate is null)
        {
            yield return ("secret-file", "a file with a secret of at least 16 characters that all nodes share, or certificates in tls: nobody else may join");
        }

        if (new[] { Tls.Certificate, Tls.Key, Tls.Authorities } is var files && files.Any(file => file is null) && files.Any(file => file is not null))
        {
            yield return ("tls", "certificate, key and authorities, or none of them");
        }
    }
}

/// <summary>Mutual TLS between nodes, from PEM files.</summary>
public sealed record ClusterTlsOptions
{
    public string? Certificate { get; init; }

    public string? Key { get; init; }

    public string? Authorities { get; init; }
}

/// <summary>Where nodes should be, beside what the store says; compared with it.</summary>
public sealed record ClusterDiscoveryOptions : IChecked
{
    public DiscoverySource From { get; init; } = DiscoverySource.Store;

    /// <summary>"host:port" each.</summary>
    [Within("0", "1000")]
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>A DNS name.</summary>
    public string? Name { get; init; }

    /// <summary>At every address of the name; 0: the name has SRV records.</summary>
    [Within("0", "65535")]
    public int Port { get; init; }

    [Within("1s", "1h")]
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(30);

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (From == DiscoverySource.List && Addresses.Count == 0)
        {
            yield return ("addresses", "the nodes' addresses, as from is list");
        }

        if (Addresses.Any(address => !IsAddress(address)))
        {
            yield return ("addresses", "\"host:port\" each");
        }

        if (Name is null ? From == DiscoverySource.Dns : !IsDnsName(Name))
        {
            yield return ("name", "a DNS name");
        }
    }

    private static bool IsAddress(string address)
    {
        var colon = address.LastIndexOf(':');
        return colon > 0
            && ushort.TryParse(address.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port > 0
            && Uri.CheckHostName(address[..colon]) is UriHostNameType.Dns or UriHostNameType.IPv4 or UriHostNameType.IPv6;
    }

    /// <summary>Service names have underscores, which host names have not.</summary>
    private static bool IsDnsName(string name) =>
        name.Length < 254 && name.TrimEnd('.').Split('.').All(label => label.Length is > 0 and < 64 && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_'));
}

public enum DiscoverySource
{
    Store,
    List,
    Dns,
}

/// <summary>The links between nodes.</summary>
public sealed record ClusterTransportOptions : IChecked
{
    [Within("100ms", "5m")]
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    [Within("50ms", "1m")]
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    [Within("200ms", "5m")]
    public TimeSpan DetectionTime { get; init; } = TimeSpan.FromSeconds(3);

    public BackoffOptions Reconnect { get; init; } = new() { Min = TimeSpan.FromMilliseconds(50), Max = TimeSpan.FromSeconds(1) };

    [Within("64KiB", "1GiB")]
    public ByteSize Queue { get; init; } = ByteSize.MiB(1);

    [Within("1", "100000")]
    public int MaxLinks { get; init; } = 1_000;

    [Within("1", "10000")]
    public int MaxPendingHandshakes { get; init; } = 64;

    [Within("0", "5m")]
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(2);

    public IEnumerable<(string Key, string Expected)> Problems() =>
    [
        .. Reconnect.Problems("reconnect"),
        .. DetectionTime < 3 * HeartbeatInterval ? [("detection-time", "at least three times heartbeat-interval")] : Array.Empty<(string, string)>(),
    ];
}

/// <summary>The lists of documents and conversations.</summary>
public sealed record CatalogOptions
{
    [Within("50ms", "10m")]
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(5);
}
