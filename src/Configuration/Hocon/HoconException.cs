namespace RagCluster.Configuration.Hocon;

/// <summary>
/// A configuration text that cannot be read. The message begins with file:line:column and says what was found,
/// what was expected and, where it is known, what to do.
/// </summary>
public sealed class HoconException : FormatException
{
    public HoconException(HoconOrigin origin, string problem, Exception? inner = null)
        : base($"{origin}: {problem}", inner)
    {
        Origin = origin;
        Problem = problem;
    }

    public HoconException(HoconOrigin origin, string found, string expected, string? advice = null)
        : this(origin, $"found {found}, expected {expected}.{(advice is null ? "" : " " + advice)}")
    {
    }

    public HoconOrigin Origin { get; }

    /// <summary>The message without the origin.</summary>
    public string Problem { get; }
}
