using System.Collections.Immutable;

namespace RagCluster.Actors.Features;

/// <summary>Something that can be switched while the cluster runs.</summary>
/// <param name="IsOn">Unless it was set.</param>
public sealed record Feature(string Name, bool IsOn, string Description);

/// <summary>What is on, on this node, at this moment. Everybody asks it; <see cref="FeatureFlags"/> keeps it as the cluster has it.</summary>
public sealed class Features
{
    /// <summary>Off: nothing that was asked before is lost, and who asks hears that he should come later.</summary>
    public const string Questions = "questions";

    public const string Documents = "documents";

    public const string Vectors = "vectors";

    /// <summary>Every feature, in the order of their names.</summary>
    public static IReadOnlyList<Feature> All { get; } =
    [
        new(Documents, true, "New documents and versions are taken in, from whatever source; off, senders are told to come again (503)."),
        new(Questions, true, "New questions are taken; off, who asks is told to come again (503). Questions taken before are answered."),
        new(Vectors, true, "Searches use vectors beside words; off, words alone, for when the embedding endpoint is down."),
    ];

    private volatile ImmutableDictionary<string, bool> _set = ImmutableDictionary<string, bool>.Empty;

    /// <exception cref="ArgumentException">There is no such feature: a mistake of who asks.</exception>
    public bool IsOn(string name) => _set.TryGetValue(name, out var on) ? on : Find(name)?.IsOn ?? throw new ArgumentException($"There is no feature \"{name}\".", nameof(name));

    public static Feature? Find(string name) => All.FirstOrDefault(feature => feature.Name == name);

    /// <param name="on">Null: as by default.</param>
    internal void Set(string name, bool? on) => _set = on is { } value ? _set.SetItem(name, value) : _set.Remove(name);
}
