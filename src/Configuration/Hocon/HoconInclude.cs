namespace RagCluster.Configuration.Hocon;

/// <summary>
/// An include statement: <c>include "x"</c>, <c>include file("x")</c>, either in <c>required(...)</c>.
/// What is read is a file: classpath() has no meaning here, and a configuration that is fetched over the network at
/// start would make the node depend on another, so url() is refused.
/// </summary>
internal sealed record HoconInclude(string Name, bool Required, HoconOrigin Origin)
{
    private const string Forms = "\"file\", file(\"file\") or required(...) after include";

    public static HoconInclude Parse(HoconScanner scanner)
    {
        var origin = scanner.Here;
        scanner.Position += "include".Length;
        scanner.SkipBlank();
        var required = TryOpen(scanner, "required(");
        var isFile = TryOpen(scanner, "file(");
        foreach (var refused in (ReadOnlySpan<string>)["url(", "classpath("])
        {
            if (!isFile && scanner.StartsWith(refused))
            {
                throw new HoconException(scanner.Here, $"{refused}...)", "a file", "Only files can be included: copy the text into one.");
            }
        }

        if (scanner.Current != '"')
        {
            throw scanner.Expected(Forms, "A key that begins with the word include must be in double quotes.");
        }

        var at = scanner.Here;
        var name = scanner.ReadQuoted();
        for (var open = (required ? 1 : 0) + (isFile ? 1 : 0); open > 0; open--)
        {
            scanner.SkipBlank();
            if (scanner.Current != ')')
            {
                throw scanner.Expected("')'", "Close what was opened after include.");
            }

            scanner.Position++;
        }

        if (name.Length == 0)
        {
            throw new HoconException(at, "an empty name", "the name of a file");
        }

        if (name.Contains("://", StringComparison.Ordinal))
        {
            throw new HoconException(at, $"the URL {name}", "a file", "Only files can be included: copy the text into one.");
        }

        return new HoconInclude(name, required, origin);
    }

    private static bool TryOpen(HoconScanner scanner, string word)
    {
        if (!scanner.StartsWith(word))
        {
            return false;
        }

        scanner.Position += word.Length;
        scanner.SkipBlank();
        return true;
    }
}
