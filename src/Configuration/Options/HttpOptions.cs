using RagCluster.Configuration.Binding;

namespace RagCluster.Configuration.Options;

/// <summary>The gateway: API, WebSocket and page.</summary>
public sealed record HttpOptions : IChecked
{
    /// <summary>An IP address, <c>localhost</c>, or <c>*</c> for all interfaces.</summary>
    [Within("1", "253")]
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>0: any free port.</summary>
    [Within("0", "65535")]
    public int Port { get; init; } = 8080;

    [Within("1KiB", "2047MiB")]
    public ByteSize MaxRequestSize { get; init; } = ByteSize.MiB(64);

    [Within("1", "100000")]
    public int MaxConnections { get; init; } = 10_000;

    [Within("0", "100")]
    public IReadOnlyList<string> AllowedOrigins { get; init; } = [];

    public WebSocketOptions Websocket { get; init; } = new();

    /// <summary>Whether only this machine can reach it.</summary>
    public bool IsLoopback => HostNames.IsLoopback(Host);

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (!HostNames.IsValid(Host))
        {
            yield return ("host", "an IP address, localhost or * for all interfaces");
        }

        for (var i = 0; i < AllowedOrigins.Count; i++)
        {
            if (!Uri.TryCreate(AllowedOrigins[i], UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")
                || uri.GetLeftPart(UriPartial.Authority) != AllowedOrigins[i])
            {
                yield return ($"allowed-origins.{i}", "an origin such as https://chat.example.org, without a path");
            }
        }
    }
}

public sealed record WebSocketOptions : IChecked
{
    [Within("1KiB", "16MiB")]
    public ByteSize MaxFrame { get; init; } = ByteSize.KiB(64);

    [Within("1s", "10m")]
    public TimeSpan Heartbeat { get; init; } = TimeSpan.FromSeconds(15);

    [Within("2s", "24h")]
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(1);

    [Within("1", "100000")]
    public int MaxSubscriptions { get; init; } = 32;

    [Within("1", "100000")]
    public int SendQueue { get; init; } = 256;

    [Within("100ms", "10m")]
    public TimeSpan SendTimeout { get; init; } = TimeSpan.FromSeconds(10);

    public IEnumerable<(string Key, string Expected)> Problems()
    {
        if (IdleTimeout <= Heartbeat)
        {
            yield return ("idle-timeout", "more than heartbeat, or every quiet client would be closed");
        }
    }
}

/// <summary>What a listening address may be.</summary>
internal static class HostNames
{
    public static bool IsValid(string host) => host is "*" or "localhost" || System.Net.IPAddress.TryParse(host, out _);

    public static bool IsLoopback(string host) =>
        host == "localhost" || (System.Net.IPAddress.TryParse(host, out var address) && System.Net.IPAddress.IsLoopback(address));
}
