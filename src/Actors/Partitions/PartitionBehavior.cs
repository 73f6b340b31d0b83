using System.Text.Json;
using Microsoft.Extensions.Logging;
using RagCluster.Kernel;
using RagCluster.Kernel.Entities;
using RagCluster.Messages.Partitions;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Segments;

namespace RagCluster.Actors.Partitions;

using Behavior = EntityBehavior<PartitionState, PartitionCommand, PartitionEvent, PartitionReply>;

/// <summary>
/// Keeps the partition's index: a view of its events, applied before a change is acknowledged, so that what is
/// acknowledged is searchable. Searches run beside the entity's turns, each on the index as it was when it came.
/// </summary>
/// <param name="folder">Where this partition's segment files are; its snapshot names them, its log can replace them.</param>
public sealed partial class PartitionBehavior(string folder, IRuntime runtime, ILogger<PartitionBehavior> log) : Behavior
{
    private PartitionIndex _index = new();
    private SegmentManifest? _saved;

    protected override async ValueTask<bool> RestoreAsync(ReadOnlyMemory<byte> attachment, CancellationToken cancellationToken)
    {
        if (attachment.IsEmpty)
        {
            return false;
        }

        try
        {
            var manifest = JsonSerializer.Deserialize(attachment.Span, SegmentJson.Default.SegmentManifest)
                ?? throw new JsonException("The manifest is null.");
            await runtime.Run(() =>
            {
                _index = PartitionIndex.Open(folder, manifest);
                return Task.CompletedTask;
            });
            _saved = manifest;
            return true;
        }
        catch (Exception e) when (e is SegmentCorruptException or JsonException or IOException)
        {
            LogSegmentsRefused(log, Context.Id.Value, e.Message);
            _index = new PartitionIndex();
            return false;
        }
    }

    protected override void Applied(Recorded<PartitionEvent> recorded) => _index.Apply(recorded.Event);

    protected override bool TryAnswer(PartitionCommand command, CancellationToken cancellationToken, out ValueTask<PartitionReply> answer)
    {
        var reader = _index.Reader;
        switch (command)
        {
            case CountTerms c:
                answer = ValueTask.FromResult<PartitionReply>(reader.Statistics(c.Query));
                return true;
            case FindPassages c:
                answer = FindAsync(reader, c);
                return true;
            case DescribePartition:
                answer = ValueTask.FromResult<PartitionReply>(new PartitionDescribed(reader.DocumentCount, reader.ChunkCount, reader.IndexBytes));
                return true;
            default:
                answer = default;
                return false;
        }
    }

    protected override async ValueTask<ReadOnlyMemory<byte>> SaveAsync(CancellationToken cancellationToken)
    {
        var reader = _index.Reader;
        if (_saved is not null)
        {
            // The snapshot that names these files is durable by now; what it does not name is of no use any more.
            PartitionIndex.Prune(folder, _saved);
        }

        SegmentManifest? manifest = null;
        await runtime.Run(() =>
        {
            manifest = reader.Save(folder);
            return Task.CompletedTask;
        });
        _saved = manifest!;
        return JsonSerializer.SerializeToUtf8Bytes(_saved, SegmentJson.Default.SegmentManifest);
    }

    private async ValueTask<PartitionReply> FindAsync(IndexReader reader, FindPassages find)
    {
        PassagesFound? found = null;
        await runtime.Run(() =>
        {
            found = reader.Find(find.Query, find.Vector, find.Terms, find.Roles, find.Filter, find.K);
            return Task.CompletedTask;
        });
        return found!;
    }

    [LoggerMessage(6201, LogLevel.Warning, "Partition {Partition}: its segment files cannot be used and are rebuilt from the log. {Reason}")]
    private static partial void LogSegmentsRefused(ILogger log, string partition, string reason);
}
