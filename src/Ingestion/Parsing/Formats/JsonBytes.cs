using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace RagCluster.Ingestion.Parsing.Formats;

/// <summary>Prepares JSON for reading, and explains what is wrong with it.</summary>
internal static class JsonBytes
{
    /// <summary>The JSON as UTF-8 without byte order mark, whatever encoding it came in; escapes of half a surrogate pair become U+FFFD.</summary>
    public static ReadOnlyMemory<byte> Utf8(ReadOnlyMemory<byte> content)
    {
        if (content.Span is [0xef, 0xbb, 0xbf, ..])
        {
            content = content[3..];
        }
        else if (!System.Text.Unicode.Utf8.IsValid(content.Span) || content.Span.IndexOf((byte)0) >= 0)
        {
            content = Encoding.UTF8.GetBytes(TextDecoder.Decode(content.Span));
        }

        return content.Span.IndexOf("\\ud"u8) < 0 && content.Span.IndexOf("\\uD"u8) < 0 ? content : WithoutHalfPairs(content.ToArray());
    }

    public static bool IsTooDeep(JsonException e) => e.Message.Contains("maximum configured depth", StringComparison.Ordinal);

    public static string Explain(JsonException e, long? line)
    {
        var reason = e.Message;
        var cut = reason.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return $"Line {line}, byte {e.BytePositionInLine + 1} is not valid JSON: {(cut > 0 ? reason[..cut] : reason)} Correct it and send the document again.";
    }

    private static byte[] WithoutHalfPairs(byte[] json)
    {
        for (var at = 0; at + 1 < json.Length; at++)
        {
            if (json[at] != '\\')
            {
                continue;
            }

            if (Escaped(json, at) is not { } unit)
            {
                // Another escape: what it escapes begins none.
                at++;
                continue;
            }

            if (char.IsHighSurrogate(unit) && Escaped(json, at + 6) is { } next && char.IsLowSurrogate(next))
            {
                at += 11;
                continue;
            }

            if (char.IsSurrogate(unit))
            {
                "fffd"u8.CopyTo(json.AsSpan(at + 2));
            }

            at += 5;
        }

        return json;
    }

    // The code unit of "\\uXXXX" at this place, or null.
    private static char? Escaped(byte[] json, int at) =>
        at + 6 <= json.Length && json[at] == '\\' && json[at + 1] == 'u' && Utf8Parser.TryParse(json.AsSpan(at + 2, 4), out ushort unit, out var used, 'x') && used == 4 ? (char)unit : null;
}
