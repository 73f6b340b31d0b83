namespace RagCluster.Kernel.Entities;

/// <summary>
/// An event-sourced entity in the decider style: everything it knows follows from its events. All members are pure;
/// whatever happens outside (calls, background work) belongs to its <see cref="EntityBehavior{TState,TCommand,TEvent,TReply}"/>.
/// </summary>
public interface IEntity<TState, TCommand, TEvent, TReply>
{
    /// <summary>The stable name of this kind of entity in the journal, such as "conversation".</summary>
    static abstract string Type { get; }

    static abstract TState Initial(EntityId id);

    /// <summary>What the command leads to. No event means that nothing changes and nothing is journaled.</summary>
    static abstract Decision<TEvent, TReply> Decide(TState state, TCommand command, DateTimeOffset now);

    /// <summary>The state after the event. An unknown event throws: history is never skipped.</summary>
    static abstract TState Evolve(TState state, TEvent @event);

    /// <summary>
    /// Whether the entity has promised work that is not done. Such an entity is remembered in the store, in the same
    /// transaction as its events, and is started again by itself wherever its shard opens.
    /// </summary>
    static virtual bool HasOpenWork(TState state) => false;
}

/// <summary>The id of an entity within its type: any text of 1 to 512 characters; it decides the shard by <see cref="StableHash"/>.</summary>
public readonly record struct EntityId(string Value)
{
    private const int MaxLength = 512;

    public override string ToString() => Value;

    /// <summary>The number of its shard.</summary>
    /// <exception cref="ArgumentException">It is empty or too long.</exception>
    internal int Bucket(int shards)
    {
        ArgumentException.ThrowIfNullOrEmpty(Value);
        return Value.Length <= MaxLength
            ? StableHash.Bucket(Value, shards)
            : throw new ArgumentException($"An entity's id has at most {MaxLength} characters; this one has {Value.Length}.");
    }
}

/// <summary>The events that a command leads to, and the reply once they are durable.</summary>
public readonly record struct Decision<TEvent, TReply>(IReadOnlyList<TEvent> Events, TReply Reply);

/// <summary>
/// Names one attempt-independent command: sent again with the same id, it gets the first one's reply and takes no
/// second effect (I3). One that led to no event had no effect and is decided anew. Remembered per entity for as many commands as <see cref="EntityOptions.RememberedCommands"/> says.
/// </summary>
public readonly record struct CommandId(string Value)
{
    public override string ToString() => Value;
}

/// <summary>An event with its place in the entity's history: dense, from 1.</summary>
public readonly record struct Recorded<TEvent>(long Seq, TEvent Event);

/// <summary>A reply that was sent after its events became durable.</summary>
/// <param name="Seq">The entity's sequence number after the command: that of its last event.</param>
public readonly record struct Committed<TReply>(TReply Reply, long Seq);
