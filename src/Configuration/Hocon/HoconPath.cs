namespace RagCluster.Configuration.Hocon;

/// <summary>Paths such as <c>a.b."c.d"</c>.</summary>
public static class HoconPath
{
    /// <summary>The elements of a path expression.</summary>
    /// <exception cref="HoconException">It is not one; <paramref name="origin"/> says where it came from.</exception>
    public static IReadOnlyList<string> Parse(string expression, HoconOrigin origin)
    {
        ArgumentNullException.ThrowIfNull(expression);
        var scanner = new HoconScanner(origin.ToString(), expression, HoconLimits.Default);
        var path = scanner.ReadPath("a path such as a.b.c");
        return scanner.AtEnd ? path : throw scanner.Expected("a path such as a.b.c", "A key with other characters must be in double quotes.");
    }

    /// <summary>The expression that is parsed to <paramref name="path"/>.</summary>
    public static string Render(IEnumerable<string> path) => string.Join('.', path.Select(RenderKey));

    private static string RenderKey(string key) =>
        key.Length > 0 && key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            ? key
            : $"\"{key.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";
}
