using System.Text.Json.Serialization;

namespace RagCluster.Messages.Features;

/// <summary>What the cluster's feature flags take. They are one entity, so that every node agrees on them and their history is kept.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(SetFlag), "set-flag")]
[JsonDerivedType(typeof(ReadFlags), "read-flags")]
public abstract record FlagCommand;

/// <param name="On">Null: as the program has it by default.</param>
/// <param name="By">Who wants it.</param>
/// <param name="Reason">Why, for those who find it later.</param>
public sealed record SetFlag(string Flag, bool? On, string By, string Reason) : FlagCommand;

public sealed record ReadFlags : FlagCommand;

/// <summary>What happened to the flags, as journaled. A frozen format: add, never change.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(FlagSet), "flag-set")]
public abstract record FlagEvent
{
    /// <summary>When it was decided, by the deciding node's clock.</summary>
    public required DateTimeOffset At { get; init; }
}

public sealed record FlagSet(string Flag, bool? On, string By, string Reason) : FlagEvent;

[JsonPolymorphic(TypeDiscriminatorPropertyName = "type")]
[JsonDerivedType(typeof(FlagsRead), "flags-read")]
[JsonDerivedType(typeof(FlagRefused), "flag-refused")]
public abstract record FlagReply;

/// <param name="Flags">Those that were ever set.</param>
public sealed record FlagsRead(IReadOnlyDictionary<string, FlagSet> Flags) : FlagReply;

public sealed record FlagRefused(string Detail) : FlagReply;
