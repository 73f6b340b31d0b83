using System.Text.Json;
using System.Text.RegularExpressions;
using RagCluster.Ingestion.Parsing;

namespace RagCluster.Samples.Tests;

/// <summary>A line of questions.jsonl.</summary>
public sealed record SampleQuestion(string Id, string Question, string[] Roles, string Answer, string? Document, string? Passage, bool Answerable);

/// <summary>The sample library as it lies in the repository.</summary>
internal static partial class SampleLibrary
{
    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = false,
    };

    private static readonly DocumentParser Parser = new(new ParserLimits(), TimeProvider.System);

    public static string Root { get; } = SampleFolders.FindRoot(AppContext.BaseDirectory);
    public static string Folder { get; } = Path.Combine(Root, "samples", "library");

    /// <summary>Paths relative to the library, with "/", without access.json.</summary>
    public static IReadOnlyList<string> Documents { get; } =
        [.. Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Folder, path).Replace('\\', '/'))
            .Where(path => path != "access.json").Order(StringComparer.Ordinal)];

    public static IReadOnlyList<SampleQuestion> Questions { get; } =
        [.. File.ReadAllLines(Path.Combine(Root, "samples", "questions.jsonl")).Select(line => JsonSerializer.Deserialize<SampleQuestion>(line, Strict)!)];

    public static IReadOnlyDictionary<string, string[]> Access { get; } =
        JsonSerializer.Deserialize<Dictionary<string, string[]>>(File.ReadAllText(Path.Combine(Folder, "access.json")))!;

    public static bool MayRead(IEnumerable<string> roles, string document)
    {
        var rules = Access.Where(rule => Glob(rule.Key).IsMatch(document)).ToList();
        return rules.Count == 0 || rules.Any(rule => rule.Value.Intersect(roles).Any());
    }

    public static Regex Glob(string glob) =>
        new("^" + Regex.Escape(glob).Replace("\\*\\*", ".+", StringComparison.Ordinal).Replace("\\*", "[^/]*", StringComparison.Ordinal) + "$", RegexOptions.CultureInvariant);

    public static async Task<ParsedDocument> ParseAsync(string path)
    {
        var bytes = await File.ReadAllBytesAsync(Path.Combine(Folder, path), TestContext.Current.CancellationToken);
        var result = await Parser.ParseAsync(bytes, path, null, TestContext.Current.CancellationToken);
        return result.ShouldBeOfType<ParseSuccess>($"{path}: {(result as ParseFailure)?.Detail}").Document;
    }

    /// <summary>White space collapsed, case ignored: how questions.jsonl is compared.</summary>
    public static string Normal(string text) => WhiteSpace().Replace(text, " ").Trim().ToUpperInvariant();

    [GeneratedRegex(@"\s+")]
    private static partial Regex WhiteSpace();
}
