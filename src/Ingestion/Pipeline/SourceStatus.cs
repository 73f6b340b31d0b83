namespace RagCluster.Ingestion.Pipeline;

public enum SourceState
{
    /// <summary>It is read as fast as the pipeline bears.</summary>
    Running,

    /// <summary>It is not asked for more; what was read goes on.</summary>
    Paused,

    /// <summary>It is not read any more; what was read is being handed over.</summary>
    Draining,

    /// <summary>It is not read any more, and everything that was read is settled.</summary>
    Drained,

    /// <summary>It has yielded everything that it has.</summary>
    Ended,

    /// <summary>It cannot be read, and is tried again.</summary>
    Failed,
}

/// <summary>How a source is doing on this node.</summary>
/// <param name="Reason">Why it is not running; null where it is.</param>
/// <param name="Read">Items read since the start.</param>
/// <param name="Durable">Of those, how many are durable.</param>
/// <param name="Refused">Of those, how many were refused for good.</param>
/// <param name="InFlight">Of those, how many are neither yet.</param>
/// <param name="PerSecond">Items settled per second, of the last ten seconds.</param>
public sealed record SourceStatus(string Name, SourceState State, string? Reason, long Read, long Durable, long Refused, long InFlight, double PerSecond);

/// <summary>An item that was refused for good.</summary>
/// <param name="Position">Where it stood in its stream; null where the source has none.</param>
public sealed record RefusedItem(string Source, string Uri, string? Tenant, string Code, string Detail, DateTimeOffset At, Messages.Documents.SourcePosition? Position);
