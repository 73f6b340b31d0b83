using System.Text.Json;
using System.Text.Json.Serialization;
using RagCluster.Ingestion.Parsing;

namespace RagCluster.Ingestion.Isolation;

/// <summary>What a worker is asked: this as JSON, then <see cref="Bytes"/> bytes of content.</summary>
internal sealed record WireRequest(string Name, string? MediaType, int Bytes);

/// <summary>
/// A parse result as workers write it. Blocks are rows of eight numbers (kind, start, end, level, headings, page, row,
/// starts record) and heading paths are listed once: a large table has hundreds of thousands of blocks.
/// </summary>
internal sealed record WireResult
{
    private const int Columns = 8;

    public string? FailureCode { get; init; }

    public string? FailureDetail { get; init; }

    public bool Transient { get; init; }

    public string? Text { get; init; }

    public string? Title { get; init; }

    public string? MediaType { get; init; }

    public int? Pages { get; init; }

    public IReadOnlyDictionary<string, string>? Metadata { get; init; }

    public IReadOnlyList<string>? Warnings { get; init; }

    public IReadOnlyList<IReadOnlyList<string>>? Headings { get; init; }

    public int[]? Blocks { get; init; }

    public static WireResult Of(ParseResult result)
    {
        if (result is not ParseSuccess { Document: var document })
        {
            var failure = (ParseFailure)result;
            return new WireResult { FailureCode = failure.Code, FailureDetail = failure.Detail, Transient = failure.Transient };
        }

        // Consecutive blocks share the very same list.
        var headings = new List<IReadOnlyList<string>>();
        var blocks = new int[document.Blocks.Count * Columns];
        for (var i = 0; i < document.Blocks.Count; i++)
        {
            var block = document.Blocks[i];
            if (headings.Count == 0 || !ReferenceEquals(headings[^1], block.Headings))
            {
                headings.Add(block.Headings);
            }

            ReadOnlySpan<int> row = [(int)block.Kind, block.Start, block.End, block.Level, headings.Count - 1, block.Page ?? -1, block.Row ?? -1, block.StartsRecord ? 1 : 0];
            row.CopyTo(blocks.AsSpan(i * Columns));
        }

        return new WireResult
        {
            Text = document.Text,
            Title = document.Title,
            MediaType = document.MediaType,
            Pages = document.Pages,
            Metadata = document.Metadata,
            Warnings = document.Warnings,
            Headings = headings,
            Blocks = blocks,
        };
    }

    /// <exception cref="JsonException">It is not a result.</exception>
    public ParseResult ToResult()
    {
        if (FailureCode is not null)
        {
            return new ParseFailure(FailureCode, FailureDetail ?? "") { Transient = Transient };
        }

        if (Text is null || Title is null || MediaType is null || Blocks is null || Headings is null || Blocks.Length % Columns != 0)
        {
            throw new JsonException("The worker's answer is incomplete.");
        }

        var blocks = new Block[Blocks.Length / Columns];
        for (var i = 0; i < blocks.Length; i++)
        {
            var row = Blocks.AsSpan(i * Columns, Columns);
            // A damaged worker is not believed: a span outside of the text would surface much later.
            if (row[1] < 0 || row[2] < row[1] || row[2] > Text.Length || row[4] < 0 || row[4] >= Headings.Count)
            {
                throw new JsonException("The worker's answer has a block outside of the text.");
            }

            blocks[i] = new Block((BlockKind)row[0], row[1], row[2])
            {
                Level = row[3],
                Headings = Headings[row[4]],
                Page = row[5] < 0 ? null : row[5],
                Row = row[6] < 0 ? null : row[6],
                StartsRecord = row[7] == 1,
            };
        }

        return new ParseSuccess(new ParsedDocument
        {
            Text = Text,
            Title = Title,
            MediaType = MediaType,
            Blocks = blocks,
            Pages = Pages,
            Metadata = Metadata ?? new Dictionary<string, string>(),
            Warnings = Warnings ?? [],
        });
    }
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WireRequest))]
[JsonSerializable(typeof(WireResult))]
[JsonSerializable(typeof(ParserLimits))]
internal sealed partial class IsolationJson : JsonSerializerContext;
