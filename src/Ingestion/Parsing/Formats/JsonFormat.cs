using System.Text.Json;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Parsing.Formats;

/// <summary>One JSON value. A list's elements are records; an object is flattened with paths.</summary>
internal sealed class JsonFormat : IFormat
{
    public string MediaType => MediaTypes.Json;

    public ParsedDocument Parse(FormatInput input)
    {
        using var json = Read(input);
        var builder = input.NewBuilder();
        var records = new RecordText(builder, input);
        var root = json.RootElement;
        string? title = null;
        if (root.ValueKind == JsonValueKind.Array)
        {
            var number = 0;
            foreach (var element in root.EnumerateArray())
            {
                input.Cancellation.ThrowIfCancellationRequested();
                number++;
                if (element.ValueKind == JsonValueKind.Object)
                {
                    builder.StartRecord();
                }

                records.Write(element, 2, number);
            }
        }
        else
        {
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("title", out var t) && t.ValueKind == JsonValueKind.String)
            {
                title = t.GetString();
            }

            records.Write(root, 1, null);
        }

        return builder.Build(MediaTypes.Json, title, input.Name);
    }

    private static JsonDocument Read(FormatInput input)
    {
        try
        {
            return JsonDocument.Parse(JsonBytes.Utf8(input.Content), new JsonDocumentOptions { MaxDepth = input.Limits.NestingDepth, AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip });
        }
        catch (JsonException e) when (JsonBytes.IsTooDeep(e))
        {
            throw new ParseException(FailureCodes.TooLarge, $"The JSON nests deeper than {input.Limits.NestingDepth} levels (line {e.LineNumber + 1}). Flatten it.");
        }
        catch (JsonException e)
        {
            throw new ParseException(FailureCodes.Corrupt, JsonBytes.Explain(e, e.LineNumber + 1));
        }
    }
}

/// <summary>JSON lines: one record a line; each stands for itself.</summary>
internal sealed class JsonLinesFormat : IFormat
{
    public string MediaType => MediaTypes.JsonLines;

    public ParsedDocument Parse(FormatInput input)
    {
        var builder = input.NewBuilder();
        var records = new RecordText(builder, input);
        var rest = JsonBytes.Utf8(input.Content);
        var options = new JsonDocumentOptions { MaxDepth = input.Limits.NestingDepth };
        for (var line = 1; !rest.IsEmpty; line++)
        {
            input.Cancellation.ThrowIfCancellationRequested();
            var feed = rest.Span.IndexOf((byte)'\n');
            var bytes = feed < 0 ? rest : rest[..feed];
            rest = feed < 0 ? default : rest[(feed + 1)..];
            if (bytes.Span.Trim(" \t\r"u8).IsEmpty)
            {
                continue;
            }

            try
            {
                using var json = JsonDocument.Parse(bytes, options);
                builder.StartRecord();
                records.Write(json.RootElement, 2, line);
            }
            catch (JsonException e)
            {
                throw new ParseException(
                    JsonBytes.IsTooDeep(e) ? FailureCodes.TooLarge : FailureCodes.Corrupt,
                    JsonBytes.Explain(e, line) + " None of the file's records was taken in.");
            }
        }

        return builder.Build(MediaTypes.JsonLines, null, input.Name);
    }
}
