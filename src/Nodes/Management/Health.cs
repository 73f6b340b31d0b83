using System.Text.Json.Serialization;

namespace RagCluster.Nodes.Management;

/// <summary>What the node says of itself to whoever decides about its traffic and its life.</summary>
internal sealed class Health
{
    private volatile string? _notReady = "The node is starting.";
    private volatile bool _started;

    /// <summary>Start-up has ended, well.</summary>
    public bool Started => _started;

    /// <summary>Why the node should get no traffic now; null when it may.</summary>
    public string? NotReady => _notReady;

    public void Waiting(string reason) => _notReady = reason;

    public void Ready()
    {
        _started = true;
        _notReady = null;
    }

    public void Draining() => _notReady = "The node is draining: it hands over its work and stops.";
}

/// <param name="Status">"up" or "down".</param>
public sealed record HealthBody(string Status, string? Reason);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthBody))]
[JsonSerializable(typeof(ClusterBody))]
internal sealed partial class ManagementJson : JsonSerializerContext;
