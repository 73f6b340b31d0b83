using System.Text.Json.Serialization;

namespace RagCluster.Messages.Publication;

/// <summary>What can be asked of a publication: that which brings one entity type's log to the outside.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(BeginPublication), "begin")]
[JsonDerivedType(typeof(AdvancePublication), "advance")]
public abstract record PublicationCommand;

/// <summary>Publishes from the logs' beginning on, for ever; again changes nothing.</summary>
public sealed record BeginPublication : PublicationCommand;

/// <summary>The logs are published up to here.</summary>
/// <param name="Positions">By shard id, the last sequence number; shards that are not named stay as they are.</param>
public sealed record AdvancePublication(IReadOnlyDictionary<int, long> Positions) : PublicationCommand;

/// <summary>What happened to a publication. A frozen format: add, never change.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(PublicationBegun), "publication-begun")]
[JsonDerivedType(typeof(PublicationAdvanced), "publication-advanced")]
public abstract record PublicationEvent
{
    /// <summary>When it was decided, by the deciding node's clock.</summary>
    public required DateTimeOffset At { get; init; }
}

public sealed record PublicationBegun : PublicationEvent;

public sealed record PublicationAdvanced(IReadOnlyDictionary<int, long> Positions) : PublicationEvent;

[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(PublicationDone), "done")]
public abstract record PublicationReply;

public sealed record PublicationDone : PublicationReply
{
    public static PublicationDone Instance { get; } = new();
}
