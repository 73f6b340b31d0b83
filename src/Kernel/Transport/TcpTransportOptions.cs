namespace RagCluster.Kernel.Transport;

/// <summary>How a node reaches its peers, and they it.</summary>
public sealed record TcpTransportOptions
{
    /// <summary>Nodes of another cluster are refused.</summary>
    public required string Cluster { get; init; }

    /// <summary>Where peers reach this node, "host:port"; "[::1]:port" for IPv6. Port 0: any that is free.</summary>
    public required string Address { get; init; }

    /// <summary>The IP address to listen on; null: all of them, or only this machine's own if <see cref="Address"/> is a loopback one.</summary>
    public string? Bind { get; init; }

    /// <summary>The port to listen on, where that of <see cref="Address"/> is another's that passes connections on; null: the same.</summary>
    public int? BindPort { get; init; }

    /// <summary>Known to every node of the cluster, 16 characters or more. Required without <see cref="Tls"/>.</summary>
    public string? Secret { get; init; }

    /// <summary>Mutual TLS 1.3; null: bytes travel in the open.</summary>
    public TlsFiles? Tls { get; init; }

    /// <summary>For connecting and the handshake together; also what an unfinished inbound handshake gets.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Each end says so often that it lives.</summary>
    public TimeSpan HeartbeatInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>An end that has heard nothing for so long takes the link for lost.</summary>
    public TimeSpan DetectionTime { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long sends fail at once after a failed attempt to connect; doubles up to <see cref="GreatestBackoff"/>.</summary>
    public TimeSpan LeastBackoff { get; init; } = TimeSpan.FromMilliseconds(50);

    public TimeSpan GreatestBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long closing waits for what is queued to leave.</summary>
    public TimeSpan CloseTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Bytes that wait at one link and lane; then senders wait. One message is taken however large it is.</summary>
    public int QueueBytes { get; init; } = 1 << 20;

    public int MaxMessageBytes { get; init; } = 32 << 20;

    /// <summary>Links in, and links out, at most.</summary>
    public int MaxLinks { get; init; } = 1_000;

    /// <summary>Connections that have not yet shown who they are; beyond it the one that has had the longest time is closed.</summary>
    public int MaxPendingHandshakes { get; init; } = 64;
}

/// <summary>PEM files. They are read again when they change; links that stand keep what they have.</summary>
/// <param name="Certificate">This node's certificate, then those between it and the authority. Its names must hold the host of the node's address.</param>
/// <param name="Key">Its private key, not encrypted.</param>
/// <param name="Authorities">Who signs the cluster's certificates. Only these count, not the system's.</param>
public sealed record TlsFiles(string Certificate, string Key, string Authorities);
