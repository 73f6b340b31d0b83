using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using RagCluster.Configuration.Hocon;

namespace RagCluster.Configuration.Tests;

/// <summary>Values as compact JSON with sorted keys, so that they can be compared as text. Numbers are compared by value.</summary>
internal static class Rendering
{
    public static string Json(HoconValue value) => value switch
    {
        HoconScalar { Kind: HoconScalarKind.String } s => JsonValue.Create(s.Text).ToJsonString(),
        HoconScalar { Kind: HoconScalarKind.Number } s => Number(s.Text),
        HoconScalar s => s.Text,
        HoconArray a => $"[{string.Join(',', a.Items.Select(Json))}]",
        HoconObject o => $"{{{string.Join(',', o.Keys.Order(StringComparer.Ordinal).Select(key => $"{JsonValue.Create(key).ToJsonString()}:{Json(o[key]!)}"))}}}",
        _ => throw new InvalidOperationException(),
    };

    public static string Json(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => $"{{{string.Join(',', Last(value).OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{JsonValue.Create(p.Key).ToJsonString()}:{Json(p.Value)}"))}}}",
        JsonValueKind.Array => $"[{string.Join(',', value.EnumerateArray().Select(Json))}]",
        JsonValueKind.String => JsonValue.Create(value.GetString()!).ToJsonString(),
        JsonValueKind.Number => Number(value.GetRawText()),
        _ => value.GetRawText(),
    };

    public static string Resolve(string hocon, Func<string, string?>? environment = null) =>
        Json(new HoconBuilder(environment).AddText(hocon).ResolveValue());

    private static Dictionary<string, JsonElement> Last(JsonElement value)
    {
        var fields = new Dictionary<string, JsonElement>();
        foreach (var property in value.EnumerateObject())
        {
            fields[property.Name] = property.Value;
        }

        return fields;
    }

    private static string Number(string text) => double.Parse(text, CultureInfo.InvariantCulture).ToString("R", CultureInfo.InvariantCulture);
}
