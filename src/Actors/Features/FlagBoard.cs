using System.Collections.Immutable;
using System.Diagnostics;
using RagCluster.Kernel.Entities;
using RagCluster.Messages.Features;

namespace RagCluster.Actors.Features;

/// <param name="Flags">The latest change of each flag that was ever set.</param>
public sealed record FlagBoardState(ImmutableSortedDictionary<string, FlagSet> Flags);

/// <summary>The flags of a cluster: one entity, whose journal says who switched what and why.</summary>
public sealed class FlagBoard : IEntity<FlagBoardState, FlagCommand, FlagEvent, FlagReply>
{
    /// <summary>A reason that is longer belongs elsewhere.</summary>
    public const int MaxReason = 500;

    private const int MaxName = 100;

    /// <summary>The one there is.</summary>
    internal static readonly EntityId Id = new("cluster");

    private FlagBoard()
    {
    }

    public static string Type => "flags";

    public static FlagBoardState Initial(EntityId id) => new(ImmutableSortedDictionary.Create<string, FlagSet>(StringComparer.Ordinal));

    public static Decision<FlagEvent, FlagReply> Decide(FlagBoardState state, FlagCommand command, DateTimeOffset now)
    {
        switch (command)
        {
            case ReadFlags:
                return new([], new FlagsRead(state.Flags));
            case SetFlag { Reason: var reason } when string.IsNullOrWhiteSpace(reason) || reason.Length > MaxReason:
                return new([], new FlagRefused($"Say why, in 1 to {MaxReason} characters: whoever finds the flag later needs it."));
            case SetFlag { Flag.Length: 0 or > MaxName }:
                return new([], new FlagRefused($"A flag's name has 1 to {MaxName} characters."));
            case SetFlag c:
                // Also where it is so already: that somebody wanted it again, and why, is worth keeping.
                var set = new FlagSet(c.Flag, c.On, c.By, c.Reason.Trim()) { At = now };
                return new([set], new FlagsRead(state.Flags.SetItem(c.Flag, set)));
            default:
                throw new UnreachableException($"Undecided command {command.GetType().Name}.");
        }
    }

    public static FlagBoardState Evolve(FlagBoardState state, FlagEvent @event) => @event switch
    {
        FlagSet set => new(state.Flags.SetItem(set.Flag, set)),
        _ => throw new UnreachableException($"Unknown event {@event.GetType().Name}."),
    };
}

/// <summary>The flags do nothing by themselves.</summary>
internal sealed class FlagBoardBehavior : EntityBehavior<FlagBoardState, FlagCommand, FlagEvent, FlagReply>;
