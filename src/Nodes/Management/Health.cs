namespace RagCluster.Nodes.Management;

/// <summary>How something that the node needs is.</summary>
public enum HealthStatus
{
    Up,

    /// <summary>Something does not work; the node goes on without it.</summary>
    Degraded,

    /// <summary>There is more work than it can take: others should get what comes now.</summary>
    Saturated,
    Down,
}

/// <summary>What the node says of itself to whoever decides about its traffic and its life.</summary>
internal sealed class Health
{
    private volatile string? _notReady = "The node is starting.";
    private volatile string? _cordoned;
    private volatile string? _draining;
    private volatile bool _started;

    /// <summary>Start-up has ended, well.</summary>
    public bool Started => _started;

    public HealthMonitor Monitor { get; } = new();

    /// <summary>Why the node should get no traffic now; null when it may.</summary>
    public string? NotReady => _draining ?? _notReady ?? _cordoned ?? Monitor.NotReady;

    public void Waiting(string reason) => _notReady = reason;

    public void Ready()
    {
        _started = true;
        _notReady = null;
    }

    /// <summary>For good: the process ends.</summary>
    public void Draining() => _draining = "The node is draining: it hands over its work and stops.";

    /// <summary>Until <see cref="Uncordon"/>.</summary>
    public void Cordon() => _cordoned = "The node was drained by an operator; it takes work again when it is told to (Undrain).";

    public void Uncordon() => _cordoned = null;
}

/// <param name="Status">"up" or "down".</param>
public sealed record HealthBody(string Status, string? Reason);

/// <param name="Status">"up", "degraded", "saturated" or "down".</param>
/// <param name="Detail">Null where there is nothing to say, and for callers who are not known.</param>
/// <param name="Since">Since when the status is this one.</param>
public sealed record CheckBody(string Name, string Status, string? Detail, DateTimeOffset? Since);

/// <param name="Status">The worst of the checks; "down" also where the node is not ready for another reason.</param>
/// <param name="Reason">Why it is not ready; null when it is.</param>
public sealed record HealthReportBody(string Status, bool Ready, string? Reason, IReadOnlyList<CheckBody> Checks);
