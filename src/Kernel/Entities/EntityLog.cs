using Microsoft.Extensions.Logging;

namespace RagCluster.Kernel.Entities;

/// <summary>Event ids 2000 to 2999 are the store's, the shards' and the entities'; 2000 to 2099 stand with the engines.</summary>
internal static partial class EntityLog
{
    [LoggerMessage(2100, LogLevel.Debug, "Opened shard {Type}/{Number} under epoch {Epoch}: {Events} events, {Remembered} entities to start.")]
    internal static partial void ShardOpened(ILogger log, string type, int number, long epoch, long events, int remembered);

    [LoggerMessage(2101, LogLevel.Warning, "Shard {Type}/{Number} cannot be opened yet; trying again in {Backoff}.")]
    internal static partial void ShardNotOpened(ILogger log, Exception reason, string type, int number, TimeSpan backoff);

    [LoggerMessage(2102, LogLevel.Error, "Shard {ShardId} has another owner since epoch {Epoch}: this node stops it. What it acknowledged is safe.")]
    internal static partial void ShardFenced(ILogger log, int shardId, long epoch);

    [LoggerMessage(2103, LogLevel.Warning, "The outcome of an append to shard {ShardId} (epoch {Epoch}, {Events} events) is not known; raising the epoch and reading again.")]
    internal static partial void AppendUnknown(ILogger log, int shardId, long epoch, int events);

    [LoggerMessage(2104, LogLevel.Information, "The append to shard {ShardId} is cleared up: {Outcome}. The epoch is {Epoch} now.")]
    internal static partial void AppendResolved(ILogger log, int shardId, string outcome, long epoch);

    [LoggerMessage(2105, LogLevel.Warning, "Shard {ShardId} cannot clear up its last append yet; it takes no commands until it can. Trying again in {Backoff}.")]
    internal static partial void AppendUnresolved(ILogger log, Exception reason, int shardId, TimeSpan backoff);

    [LoggerMessage(2106, LogLevel.Error, "An append of {Entity} to shard {ShardId} conflicts with what is there; the entity is recovered from its log.")]
    internal static partial void AppendConflict(ILogger log, int shardId, string entity);

    [LoggerMessage(2107, LogLevel.Warning, "The store refused {Events} events of shard {ShardId}; their commands took no effect.")]
    internal static partial void AppendRefused(ILogger log, Exception reason, int shardId, int events);

    [LoggerMessage(2108, LogLevel.Warning, "Shard {ShardId} could not be released in time: its next owner takes it over by its epoch.")]
    internal static partial void ShardNotReleased(ILogger log, Exception? reason, int shardId);

    [LoggerMessage(2120, LogLevel.Error, "{Type} \"{Entity}\" failed; it is recovered from its log.")]
    internal static partial void EntityFailed(ILogger log, Exception reason, string type, string entity);

    [LoggerMessage(2121, LogLevel.Warning, "{Type} \"{Entity}\" could not decide {Command}; nothing changed.")]
    internal static partial void CommandFailed(ILogger log, Exception reason, string type, string entity, string command);

    [LoggerMessage(2122, LogLevel.Warning, "The snapshot of {Type} \"{Entity}\" at {Seq} could not be used; replaying its whole log.")]
    internal static partial void SnapshotUnusable(ILogger log, Exception? reason, string type, string entity, long seq);

    [LoggerMessage(2123, LogLevel.Warning, "The snapshot of {Type} \"{Entity}\" at {Seq} could not be saved; the log has everything, and a later one is tried.")]
    internal static partial void SnapshotNotSaved(ILogger log, Exception? reason, string type, string entity, long seq);

    [LoggerMessage(2124, LogLevel.Warning, "Work \"{Work}\" of {Type} \"{Entity}\" did not end within {Budget} of being cancelled; the entity goes without it.")]
    internal static partial void WorkDidNotEnd(ILogger log, string work, string type, string entity, TimeSpan budget);

    [LoggerMessage(2125, LogLevel.Warning, "{Type} \"{Entity}\" failed while it stopped ({StopReason}); its log has everything.")]
    internal static partial void StopFailed(ILogger log, Exception reason, string type, string entity, StopReason stopReason);

    [LoggerMessage(2126, LogLevel.Warning, "What only older snapshots of {Type} \"{Entity}\" needed could not be tidied away; nothing depends on it.")]
    internal static partial void SnapshotNotTidied(ILogger log, Exception reason, string type, string entity);

    [LoggerMessage(2130, LogLevel.Warning, "The region {Type} did not drain within {Budget}: {Pending} commands were still waiting.")]
    internal static partial void DrainIncomplete(ILogger log, string type, TimeSpan budget, int pending);

    [LoggerMessage(2131, LogLevel.Warning, "The store could not be told that this node is {State}; its shards' epochs keep everything safe.")]
    internal static partial void NodeStateNotSaved(ILogger log, Exception reason, Journal.NodeState state);

    [LoggerMessage(2200, LogLevel.Warning, "The projection {Name} failed at shard {ShardId} after {ShardSeq}; trying again in {Backoff}.")]
    internal static partial void ProjectionFailed(ILogger log, Exception reason, string name, int shardId, long shardSeq, TimeSpan backoff);
}
