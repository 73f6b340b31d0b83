using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace RagCluster.Pbm.Output;

/// <summary>JSON of a node, for people and for scripts.</summary>
internal static class JsonText
{
    private const int MaxShort = 120;

    public static string Indented(JsonElement element) => Write(element, indented: true);

    public static string Compact(JsonElement element) => Write(element, indented: false);

    /// <summary>A property as text; empty where it is missing or null.</summary>
    public static string Text(this JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? Scalar(value) : "";

    /// <summary>The items of a property; none where it is missing.</summary>
    public static IEnumerable<JsonElement> Items(this JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];

    /// <summary>In one cell of a table: what is long is cut, control characters are shown and do nothing to the terminal.</summary>
    public static string Short(JsonElement value)
    {
        var text = value.ValueKind is JsonValueKind.Object or JsonValueKind.Array ? Compact(value) : Scalar(value);
        return text.Length <= MaxShort ? text : string.Create(CultureInfo.InvariantCulture, $"{text[..MaxShort]}... ({text.Length})");
    }

    /// <summary>A text from a node must not command the terminal that shows it.</summary>
    public static string Harmless(string text)
    {
        if (!text.Any(char.IsControl))
        {
            return text;
        }

        var result = new StringBuilder(text.Length + 8);
        foreach (var c in text)
        {
            result.Append(char.IsControl(c) ? c is '\n' or '\r' or '\t' ? ' ' : '\uFFFD' : c);
        }

        return result.ToString();
    }

    private static string Scalar(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => "",
        JsonValueKind.String => Harmless(value.GetString()!),
        _ => value.GetRawText(),
    };

    private static string Write(JsonElement element, bool indented)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = indented, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            element.WriteTo(writer);
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }
}
