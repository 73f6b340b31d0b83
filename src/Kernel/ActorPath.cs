namespace RagCluster.Kernel;

/// <summary>Where an actor stands in the tree, such as "/user/gateway/session-7".</summary>
public sealed record ActorPath
{
    private ActorPath(string text) => Text = text;

    public string Text { get; }

    /// <summary>The part after the last slash.</summary>
    public string Name => Text[(Text.LastIndexOf('/') + 1)..];

    /// <exception cref="ArgumentException">The name is empty or has a slash.</exception>
    public static ActorPath Root(string name) => new("/" + Checked(name));

    /// <exception cref="ArgumentException">The name is empty or has a slash.</exception>
    public ActorPath Child(string name) => new(Text + "/" + Checked(name));

    public override string ToString() => Text;

    internal static string Checked(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return name.Contains('/', StringComparison.Ordinal)
            ? throw new ArgumentException($"An actor's name has no slash: \"{name}\".", nameof(name))
            : name;
    }
}
