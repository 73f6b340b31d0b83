using System.Text;
using RagCluster.Ingestion.Parsing;

namespace RagCluster.Ingestion.Tests;

/// <summary>Parses in this process, and checks on the way what holds for every parsed document.</summary>
internal static class Parse
{
    public static async Task<ParseResult> AnyAsync(byte[] content, string name, string? mediaType = null, ParserLimits? limits = null)
    {
        var result = await new DocumentParser(limits ?? new ParserLimits(), TimeProvider.System).ParseAsync(content, name, mediaType, TestContext.Current.CancellationToken);
        if (result is ParseSuccess { Document: var document })
        {
            CheckSound(document);
        }

        return result;
    }

    public static async Task<ParsedDocument> DocumentAsync(byte[] content, string name, string? mediaType = null, ParserLimits? limits = null)
    {
        var result = await AnyAsync(content, name, mediaType, limits);
        return result is ParseSuccess { Document: var document } ? document : throw new ShouldAssertException($"{name} did not parse: {result}");
    }

    public static Task<ParsedDocument> DocumentAsync(string content, string name, string? mediaType = null) =>
        DocumentAsync(Encoding.UTF8.GetBytes(content), name, mediaType);

    public static async Task<ParseFailure> FailureAsync(byte[] content, string name, string? mediaType = null, ParserLimits? limits = null)
    {
        var result = await AnyAsync(content, name, mediaType, limits);
        var failure = result.ShouldBeOfType<ParseFailure>($"{name} should not parse");
        failure.Detail.ShouldNotBeNullOrWhiteSpace();
        return failure;
    }

    public static Task<ParseFailure> FailureAsync(string content, string name, ParserLimits? limits = null) =>
        FailureAsync(Encoding.UTF8.GetBytes(content), name, null, limits);

    public static string Of(this ParsedDocument document, Block block) => document.Text[block.Start..block.End];

    public static IEnumerable<string> Texts(this ParsedDocument document, BlockKind kind) => document.Blocks.Where(b => b.Kind == kind).Select(document.Of);

    public static void CheckSound(ParsedDocument document)
    {
        document.Title.ShouldNotBeNullOrWhiteSpace();
        var last = 0;
        foreach (var block in document.Blocks)
        {
            if (block.Start < last || block.End <= block.Start || block.End > document.Text.Length)
            {
                throw new ShouldAssertException($"Block {block} overlaps, is empty or lies outside of the text of {document.Text.Length}.");
            }

            last = block.End;
        }

        for (var i = 0; i < document.Text.Length; i++)
        {
            var c = document.Text[i];
            var sound = char.IsSurrogate(c)
                ? char.IsHighSurrogate(c) ? i + 1 < document.Text.Length && char.IsLowSurrogate(document.Text[i + 1]) : i > 0 && char.IsHighSurrogate(document.Text[i - 1])
                : !char.IsControl(c) || c is '\n' or '\t';
            if (!sound)
            {
                throw new ShouldAssertException($"Character U+{(int)c:X4} at {i} is a control character or half of a pair.");
            }
        }
    }
}
