using System.Globalization;
using System.Text;

namespace RagCluster.Configuration.Hocon;

/// <summary>
/// Java properties, as far as includes need them: every value is a string, keys are split at every dot, and where a key
/// is both a value and the beginning of others, the others win.
/// </summary>
internal static class HoconProperties
{
    public static ObjectNode Parse(string text, string source, HoconLimits limits)
    {
        var root = new ObjectNode(new HoconOrigin(source, 1, 1));
        var entries = new List<(string[] Path, LiteralNode Value)>();
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var first = i;
            var line = lines[i].TrimEnd('\r').TrimStart();
            if (line.Length == 0 || line[0] is '#' or '!')
            {
                continue;
            }

            while (EndsInContinuation(line) && i + 1 < lines.Length)
            {
                line = line[..^1] + lines[++i].TrimEnd('\r').TrimStart();
            }

            var (key, value) = SplitEntry(line);
            var origin = new HoconOrigin(source, first + 1, 1);
            var path = Unescape(key, origin).Split('.');
            if (path.Length > limits.MaxDepth)
            {
                throw new HoconException(origin, $"a key of {path.Length} elements", $"at most {limits.MaxDepth}");
            }

            entries.Add((path, new LiteralNode(new HoconScalar(HoconScalarKind.String, Unescape(value, origin), origin))));
        }

        // Objects win over strings when they come later, so the longest keys go last.
        foreach (var (path, value) in entries.OrderBy(entry => entry.Path.Length))
        {
            root.Add(path, value);
        }

        return root;
    }

    private static bool EndsInContinuation(string line) => (line.Length - line.TrimEnd('\\').Length) % 2 == 1;

    private static (string Key, string Value) SplitEntry(string line)
    {
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '\\')
            {
                i++;
            }
            else if (line[i] is '=' or ':' or ' ' or '\t' or '\f')
            {
                var rest = line[i..].TrimStart(' ', '\t', '\f');
                rest = rest is ['=' or ':', ..] ? rest[1..].TrimStart(' ', '\t', '\f') : rest;
                return (line[..i], rest);
            }
        }

        return (line, "");
    }

    private static string Unescape(string text, HoconOrigin origin)
    {
        if (!text.Contains('\\', StringComparison.Ordinal))
        {
            return text;
        }

        var result = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '\\' || ++i == text.Length)
            {
                result.Append(i < text.Length ? text[i] : "");
                continue;
            }

            if (text[i] == 'u')
            {
                if (i + 4 >= text.Length || !ushort.TryParse(text.AsSpan(i + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code))
                {
                    throw new HoconException(origin, "\\u without four hexadecimal digits", "\\uXXXX");
                }

                result.Append((char)code);
                i += 4;
                continue;
            }

            result.Append(text[i] switch { 'n' => '\n', 't' => '\t', 'r' => '\r', 'f' => '\f', var other => other });
        }

        return result.ToString();
    }
}
