using System.Text.Json.Serialization;
using RagCluster.Kafka.DeadLetters;
using RagCluster.Ingestion.Pipeline;

namespace RagCluster.Nodes.Management;

/// <summary>What ingestion does on this node.</summary>
/// <param name="Slowest">The step that holds the others up; absent where nothing is in work.</param>
internal sealed record IngestBody(string Node, IReadOnlyList<StepBody> Steps, string? Slowest, IReadOnlyList<SourceBody> Sources);

/// <param name="Busy">Share of the last ten seconds in which it had something in work.</param>
/// <param name="Load">Average work of that time as a share of what it can have in work.</param>
internal sealed record StepBody(string Name, int Width, int Working, int Waiting, long Done, long Failed, double PerSecond, double Busy, double Load)
{
    public static StepBody Of(StepStatus s) =>
        new(s.Name, s.Width, s.Working, s.Waiting, s.Done, s.Failed, Math.Round(s.PerSecond, 1), Math.Round(s.Busy, 3), Math.Round(s.Load, 3));
}

internal sealed record SourceBody(
    string Name, string Kind, string? Tenant, string State, string? Reason, long Read, long Durable, long Refused, long InFlight, double PerSecond, IReadOnlyList<PartitionBody>? Partitions);

internal sealed record SourcesBody(IReadOnlyList<SourceBody> Sources);

internal sealed record PartitionBody(string Topic, int Partition, int InFlight, bool Paused);

/// <param name="DeadLetters">What this node refused, newest first; the last thousand of each source.</param>
/// <param name="Kafka">The newest letters of the dead-letter topic; absent where this node does not read Kafka.</param>
internal sealed record DeadLettersBody(IReadOnlyList<RefusedBody> DeadLetters, IReadOnlyList<KeptLetter>? Kafka);

/// <param name="Stream">Where it stood in its source, as "kafka:topic/partition"; absent where the source has no order.</param>
internal sealed record RefusedBody(string Source, string Uri, string? Tenant, string Document, string Code, string Detail, DateTimeOffset At, string? Stream, long? Offset);

internal sealed record RetriedBody(int Retried);

[JsonSourceGenerationOptions(System.Text.Json.JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(IngestBody))]
[JsonSerializable(typeof(SourceBody))]
[JsonSerializable(typeof(SourcesBody))]
[JsonSerializable(typeof(DeadLettersBody))]
[JsonSerializable(typeof(RetriedBody))]
internal sealed partial class IngestManagementJson : JsonSerializerContext;
