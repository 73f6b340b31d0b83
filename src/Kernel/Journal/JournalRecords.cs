namespace RagCluster.Kernel.Journal;

/// <summary>One life of a node: a restart is a new incarnation, and a dead one never comes back.</summary>
public readonly record struct NodeIncarnation(string Node, long Incarnation)
{
    public override string ToString() => $"{Node}#{Incarnation}";
}

public enum NodeState
{
    /// <summary>Known, not yet trusted with shards: its links are being tried both ways.</summary>
    Joining,
    Up,
    Draining,
    Dead,
    Left,
}

/// <summary>A row of the membership table. The lease is judged by the store's clock only.</summary>
/// <param name="ExpiresAt">When the lease ends; null where the engine has one process and needs none.</param>
public sealed record NodeRow(string Node, long Incarnation, NodeState State, DateTimeOffset? ExpiresAt);

/// <summary>Who owns a shard: the table is the truth.</summary>
/// <param name="ShardId">Unique in the store, over all types.</param>
/// <param name="Number">From 0, within the type.</param>
/// <param name="Owner">Null where nobody has it.</param>
/// <param name="Epoch">Raised by every change of owner; it only rises.</param>
public sealed record ShardRow(int ShardId, string EntityType, int Number, NodeIncarnation? Owner, long Epoch);

/// <summary>An event to append.</summary>
/// <param name="Seq">Its place in the entity's history, from 1.</param>
/// <param name="CommandId">On the last event of a command that has an id; null elsewhere.</param>
/// <param name="Reply">The command's reply as UTF-8 JSON; empty where <paramref name="CommandId"/> is null.</param>
/// <param name="Payload">The event as UTF-8 JSON.</param>
public readonly record struct NewEvent(
    string Entity,
    long Seq,
    string? CommandId,
    ReadOnlyMemory<byte> Reply,
    ReadOnlyMemory<byte> Payload,
    DateTimeOffset At);

/// <summary>Whether an entity is to be started again by itself when its shard opens.</summary>
public readonly record struct RememberedChange(string Entity, bool Remembered);

/// <summary>
/// What one shard appends in one step. All of it becomes durable, or nothing. The events get the shard's sequence
/// numbers from <paramref name="FirstShardSeq"/> on, in order.
/// </summary>
/// <param name="Epoch">The epoch under which the owner believes to own the shard.</param>
public sealed record ShardBatch(
    int ShardId,
    long Epoch,
    long FirstShardSeq,
    IReadOnlyList<NewEvent> Events,
    IReadOnlyList<RememberedChange> Remembered);

/// <summary>An event as it stands in a shard's log.</summary>
public readonly record struct JournalRecord(
    long ShardSeq,
    string Entity,
    long Seq,
    long Epoch,
    string? CommandId,
    ReadOnlyMemory<byte> Reply,
    ReadOnlyMemory<byte> Payload,
    DateTimeOffset At);

/// <summary>How much to read at once: whichever comes first, but always one record if there is one.</summary>
public readonly record struct PageLimit(int Records, int Bytes)
{
    /// <summary>So many records that their list, 88 bytes for each, is no large object to the garbage collector.</summary>
    public static PageLimit Default { get; } = new(900, 1 << 20);
}

/// <summary>An entity's state at <paramref name="Seq"/>, so that recovery need not read what came before.</summary>
/// <param name="State">UTF-8 JSON.</param>
/// <param name="Commands">The remembered commands, UTF-8 JSON.</param>
/// <param name="Attachment">What the entity's behavior added; may be empty.</param>
public sealed record Snapshot(
    string Entity,
    long Seq,
    ReadOnlyMemory<byte> State,
    ReadOnlyMemory<byte> Commands,
    ReadOnlyMemory<byte> Attachment,
    DateTimeOffset At);
