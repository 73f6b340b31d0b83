using System.Text;
using System.Text.Json;
using RagCluster.Messages.Documents;

namespace RagCluster.Ingestion.Parsing.Formats;

/// <summary>
/// Writes JSON for reading: a record's title becomes a heading, its text paragraphs, its other fields
/// "name: value" with their paths ("address.city: Vienna").
/// </summary>
internal sealed class RecordText(DocumentBuilder into, FormatInput input)
{
    private static readonly string[] TitleNames = ["title", "name", "question", "heading", "subject", "headline"];
    private static readonly string[] TextNames = ["text", "body", "content", "answer", "description", "summary", "abstract", "article", "passage", "contents"];

    /// <summary>Writes one record: an element of a list, or a line of its own.</summary>
    /// <param name="row">Its line or its number in the list, from 1.</param>
    public void Write(JsonElement record, int level, int? row)
    {
        if (record.ValueKind != JsonValueKind.Object)
        {
            Flat("", record, level);
            return;
        }

        var (title, texts, rest) = Parts(record);
        if (title is not null)
        {
            into.Heading(level, title);
        }

        foreach (var text in texts)
        {
            Paragraphs(text);
        }

        var scalars = new StringBuilder();
        foreach (var field in rest)
        {
            if (Scalar(field.Value) is { } value)
            {
                // A record's own id is not what a reader looks for once there is text.
                if (value.Length > 0 && !(texts.Count > 0 && field.NameEquals("id")))
                {
                    scalars.Append(scalars.Length > 0 ? "; " : "").Append(field.Name).Append(": ").Append(value);
                }
            }
        }

        into.TableRow(scalars.ToString(), row);
        foreach (var field in rest)
        {
            if (Scalar(field.Value) is null)
            {
                Flat(field.Name, field.Value, level + 1);
            }
        }
    }

    private static (string? Title, List<string> Texts, List<JsonProperty> Others) Parts(JsonElement record)
    {
        string? title = null;
        var titleRank = int.MaxValue;
        JsonProperty? titleField = null;
        var texts = new List<string>();
        var rest = new List<JsonProperty>();
        foreach (var field in record.EnumerateObject())
        {
            var name = field.Name.ToLowerInvariant();
            var text = field.Value.ValueKind == JsonValueKind.String ? field.Value.GetString()! : null;
            var rank = Array.IndexOf(TitleNames, name);
            if (text is not null && rank >= 0 && rank < titleRank && text.Length is > 0 and <= 300)
            {
                if (titleField is { } former)
                {
                    rest.Add(former);
                }

                (title, titleRank, titleField) = (text, rank, field);
            }
            else if (text is not null && (Array.IndexOf(TextNames, name) >= 0 || text.Length > 300))
            {
                texts.Add(text);
            }
            else
            {
                rest.Add(field);
            }
        }

        return (title, texts, rest);
    }

    private void Paragraphs(string text)
    {
        foreach (var paragraph in TextCleaner.Clean(text).Split("\n\n", StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            into.Paragraph(paragraph);
        }
    }

    /// <summary>What fits on a line: a scalar, or a list of scalars.</summary>
    private static string? Scalar(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => TextCleaner.OneLine(value.GetString()),
        JsonValueKind.Null or JsonValueKind.Undefined => "",
        JsonValueKind.Object => null,
        JsonValueKind.Array => value.GetArrayLength() <= 64 && value.EnumerateArray().All(e => e.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array))
            ? string.Join(", ", value.EnumerateArray().Select(e => Scalar(e)).Where(s => s!.Length > 0))
            : null,
        _ => value.GetRawText(),
    };

    private void Flat(string path, JsonElement value, int level)
    {
        input.Cancellation.ThrowIfCancellationRequested();
        if (Scalar(value) is { } scalar)
        {
            if (scalar.Length > 0)
            {
                into.TableRow(path.Length > 0 ? $"{path}: {scalar}" : scalar);
            }

            return;
        }

        // Paths of deep input would grow with every level; the reader's depth limit and this bound keep them short.
        if (path.Length > 512)
        {
            throw new ParseException(FailureCodes.TooLarge, "The JSON nests deeper than can be written readably. Flatten it, or split it.");
        }

        if (value.ValueKind == JsonValueKind.Array)
        {
            var number = 0;
            foreach (var element in value.EnumerateArray())
            {
                number++;
                if (element.ValueKind == JsonValueKind.Object)
                {
                    if (number == 1 && path.Length > 0)
                    {
                        into.Heading(level, path);
                    }

                    Write(element, level + 1, number);
                }
                else
                {
                    Flat($"{path}[{number - 1}]", element, level);
                }
            }
        }
        else
        {
            foreach (var field in value.EnumerateObject())
            {
                Flat(path.Length > 0 ? $"{path}.{field.Name}" : field.Name, field.Value, level);
            }
        }
    }
}
