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
/// <param name="files">Where the saved index is; the snapshot names it, the log can replace it.</param>
/// <param name="nextFiles">Where the second index is saved, which is there while the partition is embedded anew.</param>
/// <param name="reembedder">Null where vectors stay as they came.</param>
public sealed partial class PartitionBehavior(SegmentFiles files, SegmentFiles nextFiles, Reembedder? reembedder, IRuntime runtime, ILogger<PartitionBehavior> log) : Behavior
{
    private PartitionIndexes _indexes = new(files.IndexOptions);

    protected override async ValueTask<bool> RestoreAsync(ReadOnlyMemory<byte> attachment, CancellationToken cancellationToken)
    {
        if (attachment.IsEmpty)
        {
            return false;
        }

        try
        {
            var (model, next, nextModel) = PartitionAttachment.Split(attachment);
            var active = await files.OpenAsync(attachment, cancellationToken);
            _indexes = new PartitionIndexes(files.IndexOptions, new IndexesNow(active, model, next is null ? null : await nextFiles.OpenAsync(next, cancellationToken), nextModel));
            if (active.RefusedGraph is { } refused)
            {
                LogGraphRefused(log, Context.Id.Value, refused.Message);
            }

            return true;
        }
        catch (Exception e) when (e is SegmentCorruptException or IOException)
        {
            LogSegmentsRefused(log, Context.Id.Value, e.Message);
            await files.DiscardAsync(cancellationToken);
            await nextFiles.DiscardAsync(cancellationToken);
            _indexes = new PartitionIndexes(files.IndexOptions);
            return false;
        }
    }

    protected override void Applied(Recorded<PartitionEvent> recorded)
    {
        _indexes.Apply(recorded.Event);
        WorkOnSegments(_indexes.Now.Active);
        if (_indexes.Now.Next is { } next)
        {
            WorkOnSegments(next);
        }
    }

    protected override bool TryAnswer(PartitionCommand command, CancellationToken cancellationToken, out ValueTask<PartitionReply> answer)
    {
        var now = _indexes.Now;
        var reader = now.Active.Reader;
        switch (command)
        {
            case CountTerms c:
                answer = CountAsync(reader, now.Model, c);
                return true;
            case FindPassages c:
                answer = FindAsync(reader, c with { Vector = VectorFor(now.Model, c) });
                return true;
            case ReadNeighbours c:
                answer = ValueTask.FromResult<PartitionReply>(reader.Neighbours(c));
                return true;
            case DescribePartition:
                answer = ValueTask.FromResult<PartitionReply>(new PartitionDescribed(reader.DocumentCount, reader.ChunkCount, reader.IndexBytes)
                {
                    Model = now.Model,
                    Next = now.NextModel,
                    Reembedded = Math.Min(now.Done, reader.DocumentCount),
                });
                return true;
            default:
                answer = default;
                return false;
        }
    }

    protected override async ValueTask<ReadOnlyMemory<byte>> SaveAsync(CancellationToken cancellationToken)
    {
        var now = _indexes.Now;
        var (active, next) = (now.Active.Reader, now.Next?.Reader);
        var first = await files.SaveAsync(active, cancellationToken);
        return PartitionAttachment.Join(first, now.Model, next is null ? null : await nextFiles.SaveAsync(next, cancellationToken), now.NextModel);
    }

    protected override async ValueTask SavedAsync(ReadOnlyMemory<byte> attachment, CancellationToken cancellationToken)
    {
        await files.TidyAsync(attachment, cancellationToken);
        if (PartitionAttachment.Split(attachment).Next is { } next)
        {
            await nextFiles.TidyAsync(next, cancellationToken);
        }
        else
        {
            await nextFiles.ClearAsync(cancellationToken);
        }
    }

    /// <summary>The query's vector by the model that the index has vectors of; null where it is not there.</summary>
    private static Embedding? VectorFor(EmbeddingModel? model, FindPassages find) =>
        model is null || find.VectorModel is null || model.IsComparableTo(find.VectorModel)
            ? find.Vector
            : find.OtherVectors?.FirstOrDefault(other => other.Model.IsComparableTo(model))?.Vector;

    /// <summary>
    /// Packs and merges segments beside the turns, one thing at a time. What came of it is taken over in a turn, so no
    /// event meets an index that is half changed; what was not taken over when the entity stops is done again.
    /// </summary>
    private void WorkOnSegments(PartitionIndex index)
    {
        if (index.BeginWork() is { } work)
        {
            Context.Run("segments", cancellationToken => Task.FromResult(Ran(work, cancellationToken)), reason =>
            {
                if (reason is null)
                {
                    index.Finish(work);
                    WorkOnSegments(index);
                    return;
                }

                LogWorkFailed(log, reason, Context.Id.Value, work.Description);
                index.Abandon(work);
            });
        }
    }

    /// <summary>Null, or why it could not be done: searches are slower then, and nothing else is wrong.</summary>
    private static Exception? Ran(SegmentWork work, CancellationToken cancellationToken)
    {
        try
        {
            work.Run(cancellationToken);
            return null;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return e;
        }
    }

    /// <summary>Operators may take a walk through many terms; plain words are looked up at once.</summary>
    private async ValueTask<PartitionReply> CountAsync(IndexReader reader, EmbeddingModel? model, CountTerms count)
    {
        if (count.Syntax == QuerySyntax.Plain)
        {
            return reader.Statistics(count) with { Model = model };
        }

        TermStatistics? counted = null;
        await runtime.Run(() =>
        {
            counted = reader.Statistics(count);
            return Task.CompletedTask;
        });
        return counted! with { Model = model };
    }

    private async ValueTask<PartitionReply> FindAsync(IndexReader reader, FindPassages find)
    {
        PassagesFound? found = null;
        await runtime.Run(() =>
        {
            found = reader.Find(find);
            return Task.CompletedTask;
        });
        return found!;
    }

    [LoggerMessage(6201, LogLevel.Warning, "Partition {Partition}: its segment files cannot be used and are rebuilt from the log. {Reason}")]
    private static partial void LogSegmentsRefused(ILogger log, string partition, string reason);

    [LoggerMessage(6203, LogLevel.Error, "Partition {Partition}: {Work} failed. Its segments stay as they are until there is more to be done; searches go on, and may be slower.")]
    private static partial void LogWorkFailed(ILogger log, Exception reason, string partition, string work);

    [LoggerMessage(6202, LogLevel.Warning, "Partition {Partition}: the graph over its vectors cannot be used and is built anew; until then they are scanned. {Reason}")]
    private static partial void LogGraphRefused(ILogger log, string partition, string reason);
}
