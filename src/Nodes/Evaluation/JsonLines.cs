using System.Text.Json;

namespace RagCluster.Nodes.Evaluation;

/// <summary>One line of a JSON lines file, which knows where it stands so that mistakes in it can be found.</summary>
internal sealed record JsonLine(string File, int Number, JsonElement Value)
{
    /// <summary>The first of these properties that is there, as text; numbers count as text, for ids are often numbers.</summary>
    /// <exception cref="InvalidDataException">None is there.</exception>
    public string Text(params string[] names) => Find(names) ?? throw Wrong($"expected \"{names[0]}\".");

    /// <summary>As <see cref="Text"/>, null where none is there.</summary>
    public string? Find(params string[] names)
    {
        foreach (var name in names)
        {
            if (Value.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null)
            {
                return value.ValueKind switch
                {
                    JsonValueKind.String => value.GetString()!,
                    JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
                    _ => throw Wrong($"\"{name}\" is to be text."),
                };
            }
        }

        return null;
    }

    /// <summary>The text or the texts of the first of these properties that is there; none where none is.</summary>
    public IReadOnlyList<string> Texts(params string[] names)
    {
        foreach (var name in names)
        {
            if (Value.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array)
            {
                return [.. value.EnumerateArray().Select(e => e.ValueKind == JsonValueKind.String ? e.GetString()! : throw Wrong($"\"{name}\" is to be a list of texts."))];
            }
        }

        return Find(names) is { } one ? [one] : [];
    }

    public InvalidDataException Wrong(string what) => new($"{File}:{Number}: {what}");
}

/// <summary>Reads files with one JSON object a line.</summary>
internal static class JsonLines
{
    /// <summary>The lines that are not blank.</summary>
    /// <exception cref="InvalidDataException">The file is not there, or a line is no JSON object; the message says which.</exception>
    public static IReadOnlyList<JsonLine> Read(string file)
    {
        if (!File.Exists(file))
        {
            throw new InvalidDataException($"{file} is not there. docs/evaluation.md says what a folder to evaluate holds.");
        }

        var lines = new List<JsonLine>();
        var number = 0;
        foreach (var line in File.ReadLines(file))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line))
            {
                continue;
            }

            try
            {
                using var json = JsonDocument.Parse(line);
                lines.Add(json.RootElement.ValueKind == JsonValueKind.Object
                    ? new JsonLine(file, number, json.RootElement.Clone())
                    : throw new InvalidDataException($"{file}:{number}: expected a JSON object."));
            }
            catch (JsonException e)
            {
                throw new InvalidDataException($"{file}:{number}: not valid JSON: {e.Message}", e);
            }
        }

        return lines.Count > 0 ? lines : throw new InvalidDataException($"{file} is empty.");
    }

    /// <summary>Refuses a second line with the same id.</summary>
    /// <exception cref="InvalidDataException">There is one.</exception>
    public static void RequireDistinct(IEnumerable<(string Id, JsonLine Line)> lines)
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (id, line) in lines)
        {
            if (!seen.TryAdd(id, line.Number))
            {
                throw line.Wrong($"the id \"{id}\" is that of line {seen[id]} already.");
            }
        }
    }
}
