using System.Text.Json.Serialization.Metadata;

namespace RagCluster.Kernel.Entities;

/// <summary>What a node needs to keep the entities of one type.</summary>
public sealed record EntityDefinition<TEntity, TState, TCommand, TEvent, TReply>
    where TEntity : IEntity<TState, TCommand, TEvent, TReply>
{
    /// <summary>How commands look between nodes; null where the type lives on one node only.</summary>
    public JsonTypeInfo<TCommand>? CommandJson { get; init; }

    /// <summary>How events look in the journal: a frozen format.</summary>
    public required JsonTypeInfo<TEvent> EventJson { get; init; }

    /// <summary>How the replies to remembered commands look beside them.</summary>
    public required JsonTypeInfo<TReply> ReplyJson { get; init; }

    /// <summary>How states look in snapshots; null takes no snapshots.</summary>
    public JsonTypeInfo<TState>? StateJson { get; init; }

    /// <summary>Makes the shell for an entity that comes into memory.</summary>
    public required Func<EntityId, EntityBehavior<TState, TCommand, TEvent, TReply>> Behavior { get; init; }

    /// <summary>
    /// Which commands may be megabytes: between nodes they travel in parts, beside the others, which need not wait for them.
    /// Null: none.
    /// </summary>
    public Func<TCommand, bool>? IsLarge { get; init; }

    /// <summary>Only nodes of this role keep such entities, the others find the way to them; null lets every node.</summary>
    public string? Role { get; init; }

    public EntityOptions Options { get; init; } = new();
}
