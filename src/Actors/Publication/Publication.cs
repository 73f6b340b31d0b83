using System.Collections.Immutable;
using System.Diagnostics;
using RagCluster.Kernel.Entities;
using RagCluster.Messages.Publication;

namespace RagCluster.Actors.Publication;

/// <summary>How far one entity type's log is published.</summary>
public sealed record PublicationState
{
    public bool Begun { get; init; }

    /// <summary>By shard id, the last sequence number that is published.</summary>
    public ImmutableSortedDictionary<int, long> Positions { get; init; } = ImmutableSortedDictionary<int, long>.Empty;
}

/// <summary>
/// The decisions of a publication. There is one for each entity type that is published; its id is that type's name. As it
/// always has open work, it runs by itself on one node of the cluster, and on another one when that is gone; its positions
/// are in its own log, so that nothing between is left out.
/// </summary>
public sealed class Publication : IEntity<PublicationState, PublicationCommand, PublicationEvent, PublicationReply>
{
    public static string Type => "publication";

    public static PublicationState Initial(EntityId id) => new();

    public static bool HasOpenWork(PublicationState state) => state.Begun;

    public static Decision<PublicationEvent, PublicationReply> Decide(PublicationState state, PublicationCommand command, DateTimeOffset now) =>
        command switch
        {
            BeginPublication when state.Begun => new([], PublicationDone.Instance),
            BeginPublication => new([new PublicationBegun { At = now }], PublicationDone.Instance),
            AdvancePublication c => Advance(state, c, now),
            _ => throw new UnreachableException($"Undecided command {command.GetType().Name}."),
        };

    public static PublicationState Evolve(PublicationState state, PublicationEvent @event) =>
        @event switch
        {
            PublicationBegun => state with { Begun = true },
            PublicationAdvanced e => state with { Positions = state.Positions.SetItems(e.Positions) },
            _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}: history is never skipped."),
        };

    /// <summary>A position never falls.</summary>
    private static Decision<PublicationEvent, PublicationReply> Advance(PublicationState state, AdvancePublication command, DateTimeOffset now)
    {
        var further = command.Positions.Where(p => p.Value > state.Positions.GetValueOrDefault(p.Key)).ToImmutableSortedDictionary();
        return new(further.IsEmpty ? [] : [new PublicationAdvanced(further) { At = now }], PublicationDone.Instance);
    }
}
