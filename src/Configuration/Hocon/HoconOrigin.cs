namespace RagCluster.Configuration.Hocon;

/// <summary>
/// Where a value was written. <see cref="Line"/> and <see cref="Column"/> count from 1, columns in UTF-16 code units;
/// both are 0 where the source has no lines (an environment variable, a command-line argument).
/// </summary>
public readonly record struct HoconOrigin(string Source, int Line, int Column)
{
    /// <summary>An origin that is a name only.</summary>
    public static HoconOrigin Of(string source) => new(source, 0, 0);

    public override string ToString() => Line == 0 ? Source : $"{Source}:{Line}:{Column}";
}
