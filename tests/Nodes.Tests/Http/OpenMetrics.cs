using System.Globalization;
using System.Text;

namespace RagCluster.Nodes.Tests.Http;

/// <summary>
/// Reads OpenMetrics 1.0 text strictly (github.com/prometheus/OpenMetrics, specification/OpenMetrics.md): what a
/// scraper may refuse is an error here.
/// </summary>
internal static class OpenMetrics
{
    public sealed record Sample(string Family, string Name, IReadOnlyDictionary<string, string> Labels, double Value);

    private sealed class Family(string name)
    {
        public string Name => name;

        public string? Type { get; set; }

        public string? Unit { get; set; }

        public bool HasHelp { get; set; }

        public List<Sample> Samples { get; } = [];

        public HashSet<string> Known { get; } = [];
    }

    private static readonly Dictionary<string, string[]> s_suffixes = new()
    {
        ["counter"] = ["_total", "_created"],
        ["gauge"] = [""],
        ["histogram"] = ["_bucket", "_count", "_sum", "_created"],
        ["unknown"] = [""],
        ["info"] = ["_info"],
    };

    /// <exception cref="FormatException">The text breaks a rule; the message says which and where.</exception>
    public static IReadOnlyList<Sample> Parse(string text)
    {
        if (!text.EndsWith("# EOF\n", StringComparison.Ordinal))
        {
            throw new FormatException("The text does not end with \"# EOF\" and a line feed.");
        }

        var lines = text[..^"# EOF\n".Length].Split('\n')[..^1];
        var families = new Dictionary<string, Family>(StringComparer.Ordinal);
        Family? current = null;
        for (var i = 0; i < lines.Length; i++)
        {
            var line = lines[i];
            try
            {
                if (line.StartsWith('#'))
                {
                    current = Descriptor(line, families, current);
                    continue;
                }

                if (current is null)
                {
                    throw new FormatException("a sample before any family");
                }

                Add(current, ParseSample(line, current));
            }
            catch (FormatException e)
            {
                throw new FormatException($"Line {i + 1}, \"{line}\": {e.Message}.", e);
            }
        }

        foreach (var family in families.Values.Where(f => f.Type == "histogram"))
        {
            CheckHistogram(family);
        }

        return [.. families.Values.SelectMany(f => f.Samples)];
    }

    private static Family Descriptor(string line, Dictionary<string, Family> families, Family? current)
    {
        var words = line.Split(' ', 4);
        if (words is not ["#", "TYPE" or "HELP" or "UNIT", var name, var rest])
        {
            throw new FormatException("a comment that is no descriptor");
        }

        CheckName(name, colon: true);
        if (current?.Name != name)
        {
            current = new Family(name);
            if (!families.TryAdd(name, current))
            {
                throw new FormatException("the family appears a second time, interleaved with others");
            }
        }

        if (current.Samples.Count > 0)
        {
            throw new FormatException("a descriptor after the family's samples");
        }

        switch (words[1])
        {
            case "TYPE" when current.Type is null && s_suffixes.ContainsKey(rest):
                current.Type = rest;
                break;
            case "HELP" when !current.HasHelp && !HasBareEscape(rest):
                current.HasHelp = true;
                break;
            case "UNIT" when current.Unit is null && (rest.Length == 0 || name.EndsWith("_" + rest, StringComparison.Ordinal)):
                current.Unit = rest;
                break;
            default:
                throw new FormatException("a descriptor that is wrong or given twice");
        }

        return current;
    }

    private static Sample ParseSample(string line, Family family)
    {
        var at = line.IndexOfAny(['{', ' ']);
        if (at < 0)
        {
            throw new FormatException("no value");
        }

        var name = line[..at];
        CheckName(name, colon: true);
        var labels = new Dictionary<string, string>(StringComparer.Ordinal);
        if (line[at] == '{')
        {
            at = ParseLabels(line, at + 1, labels);
        }

        if (at >= line.Length || line[at] != ' ')
        {
            throw new FormatException("no single space before the value");
        }

        var value = line[(at + 1)..];
        var number = value switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            "NaN" => double.NaN,
            _ when double.TryParse(value, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var parsed)
                && !value.Contains("Inf", StringComparison.OrdinalIgnoreCase) => parsed,
            _ => throw new FormatException($"\"{value}\" is no number (timestamps and exemplars are not used here)"),
        };
        return new Sample(family.Name, name, labels, number);
    }

    private static int ParseLabels(string line, int at, Dictionary<string, string> labels)
    {
        while (line[at] != '}')
        {
            var equals = line.IndexOf("=\"", at, StringComparison.Ordinal);
            if (equals < 0)
            {
                throw new FormatException("a label without a quoted value");
            }

            var name = line[at..equals];
            CheckName(name, colon: false);
            var value = new StringBuilder();
            for (at = equals + 2; ; at++)
            {
                if (at >= line.Length)
                {
                    throw new FormatException("a label's value does not end");
                }

                if (line[at] == '"')
                {
                    break;
                }

                if (line[at] == '\\')
                {
                    at++;
                    value.Append(at < line.Length && line[at] is '\\' or '"' or 'n' ? line[at] : throw new FormatException("an escape that does not exist"));
                    continue;
                }

                value.Append(line[at]);
            }

            if (!labels.TryAdd(name, value.ToString()))
            {
                throw new FormatException($"the label {name} twice");
            }

            at++;
            if (at < line.Length && line[at] == ',')
            {
                at++;
                if (at < line.Length && line[at] == '}')
                {
                    throw new FormatException("a comma after the last label");
                }
            }
            else if (at >= line.Length || line[at] != '}')
            {
                throw new FormatException("labels that are not separated by commas");
            }
        }

        return at + 1;
    }

    private static void Add(Family family, Sample sample)
    {
        if (!s_suffixes[family.Type ?? "unknown"].Any(s => sample.Name == family.Name + s))
        {
            throw new FormatException($"{sample.Name} is no sample of the {family.Type} {family.Name}");
        }

        if (sample.Name.EndsWith("_bucket", StringComparison.Ordinal) != sample.Labels.ContainsKey("le") && family.Type == "histogram")
        {
            throw new FormatException("buckets, and only they, have the label le");
        }

        if (family.Type is "counter" or "histogram" && !(sample.Value >= 0))
        {
            throw new FormatException("a count below zero, or not a number");
        }

        if (!family.Known.Add($"{sample.Name}{{{Key(sample)}}}"))
        {
            throw new FormatException("the same sample twice");
        }

        family.Samples.Add(sample);
    }

    private static void CheckHistogram(Family family)
    {
        foreach (var series in family.Samples.GroupBy(s => Key(s, "le")))
        {
            var buckets = series.Where(s => s.Name.EndsWith("_bucket", StringComparison.Ordinal)).ToList();
            var bounds = buckets.Select(b => b.Labels["le"] == "+Inf" ? double.PositiveInfinity : double.Parse(b.Labels["le"], CultureInfo.InvariantCulture)).ToList();
            var ordered = bounds.Zip(bounds.Skip(1)).All(p => p.First < p.Second) && buckets.Zip(buckets.Skip(1)).All(p => p.First.Value <= p.Second.Value);
            var count = series.SingleOrDefault(s => s.Name == family.Name + "_count");
            if (!ordered || bounds.Count == 0 || !double.IsPositiveInfinity(bounds[^1]) || count is null || count.Value != buckets[^1].Value
                || buckets.Any(b => b.Labels["le"] != "+Inf" && !b.Labels["le"].Contains('.', StringComparison.Ordinal)))
            {
                throw new FormatException($"The histogram {family.Name}{{{series.Key}}}: its buckets must go up to +Inf, cumulate, be written as floats, and end at its count.");
            }
        }
    }

    private static string Key(Sample sample, string? without = null) =>
        string.Join(",", sample.Labels.Where(l => l.Key != without).OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => $"{l.Key}={l.Value}"));

    private static void CheckName(string name, bool colon)
    {
        if (name.Length == 0 || char.IsAsciiDigit(name[0]) || !name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_' || (colon && c == ':')))
        {
            throw new FormatException($"\"{name}\" is no name");
        }
    }

    private static bool HasBareEscape(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '"' || (text[i] == '\\' && (++i >= text.Length || text[i] is not ('\\' or 'n' or '"'))))
            {
                return text[i < text.Length ? i : ^1] != '"';
            }
        }

        return false;
    }
}
