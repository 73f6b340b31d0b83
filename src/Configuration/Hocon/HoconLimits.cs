namespace RagCluster.Configuration.Hocon;

/// <summary>
/// What a configuration may cost. Whatever is over a limit is refused with a <see cref="HoconException"/>:
/// no input may exhaust the stack or the memory.
/// </summary>
public sealed record HoconLimits
{
    public static HoconLimits Default { get; } = new();

    /// <summary>Bytes of one file, and characters of one resolved string.</summary>
    public int MaxBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>Objects and arrays inside each other, path elements included; also the longest chain of substitutions.</summary>
    public int MaxDepth { get; init; } = 200;

    /// <summary>Files that include each other.</summary>
    public int MaxIncludeDepth { get; init; } = 50;

    /// <summary>Files read for one configuration, however they are included.</summary>
    public int MaxFiles { get; init; } = 1_000;

    /// <summary>
    /// Values in the resolved configuration, and ten times that in steps of resolving: substitutions can
    /// multiply a few lines into billions of values.
    /// </summary>
    public int MaxValues { get; init; } = 1_000_000;
}
