using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace RagCluster.Nodes.Management.Entities;

/// <summary>
/// Takes texts of users and documents out of JSON. What may be shown is listed, and everything else is hidden: a property
/// that a later version adds is hidden until somebody decides otherwise.
/// </summary>
internal static class Redaction
{
    /// <summary>Longer values are cut: vectors and packed chunks are for machines.</summary>
    private const int MaxText = 4000;

    private const int MaxItems = 50;

    /// <summary>Ids, states, times and counts; nothing that a person wrote.</summary>
    private static readonly HashSet<string> s_shown = new(StringComparer.OrdinalIgnoreCase)
    {
        "type", "$type", "id", "question", "of", "document", "tenant", "content", "blob", "status", "reached", "state", "mediaType", "code", "failureCode",
        "at", "askedAt", "startedAt", "receivedAt", "changedAt", "retryAt", "readers", "model", "embedder", "provider", "flag", "by", "rating", "syntax",
    };

    /// <param name="texts">Whether texts are shown.</param>
    public static JsonNode? Of(ReadOnlySpan<byte> json, bool texts)
    {
        var reader = new Utf8JsonReader(json);
        return Of(JsonNode.Parse(ref reader), "", texts);
    }

    private static JsonNode? Of(JsonNode? node, string name, bool texts)
    {
        switch (node)
        {
            case JsonObject fields:
                var result = new JsonObject();
                foreach (var (key, value) in fields)
                {
                    // A dictionary's keys may be what a document calls its fields; they say no more than a heading.
                    result[key] = Of(value, key, texts);
                }

                return result;
            case JsonArray items:
                var list = new JsonArray([.. items.Take(MaxItems).Select(item => Of(item, name, texts))]);
                if (items.Count > MaxItems)
                {
                    list.Add(string.Create(CultureInfo.InvariantCulture, $"({items.Count - MaxItems} more)"));
                }

                return list;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                var text = value.GetValue<string>();
                return texts || s_shown.Contains(name)
                    ? text.Length <= MaxText ? text : string.Create(CultureInfo.InvariantCulture, $"{text[..MaxText]}... ({text.Length} characters)")
                    : string.Create(CultureInfo.InvariantCulture, $"(hidden, {text.Length} characters)");
            default:
                return node?.DeepClone();
        }
    }
}
