using System.Text.RegularExpressions;

namespace RagCluster.Architecture.Tests;

/// <summary>A folder is a concept, a file can be read in one sitting, and an event id tells one event.</summary>
public partial class TidinessTests
{
    private const int MaxLines = 400;

    private static readonly string[] KindsOfFile =
        ["Models", "Helpers", "Interfaces", "Utils", "Utilities", "Managers", "Extensions", "Common", "Enums", "Dtos", "Exceptions", "Types", "Services"];

    private static IEnumerable<string> CodeFiles => SourceTree.Files.Where(file => file.EndsWith(".cs", StringComparison.Ordinal));

    [Fact]
    public void Folders_are_concepts_not_kinds_of_file()
    {
        var folders = SourceTree.Files.SelectMany(file => file.Split('/')[..^1]).Distinct();
        folders.Intersect(KindsOfFile, StringComparer.OrdinalIgnoreCase).ShouldBeEmpty();
    }

    [Fact]
    public void Files_are_named_for_what_they_do() =>
        CodeFiles.Where(file => VagueName().IsMatch(Path.GetFileNameWithoutExtension(file))).ShouldBeEmpty();

    [Fact]
    public void Files_can_be_read_in_one_sitting()
    {
        var tooLong = CodeFiles
            .Select(file => (file, lines: File.ReadLines(Path.Combine(SourceTree.Root, file)).Count()))
            .Where(entry => entry.lines > MaxLines)
            .Select(entry => $"{entry.file} has {entry.lines} lines, at most {MaxLines}: a second responsibility earns a type");
        tooLong.ShouldBeEmpty();
    }

    [Fact]
    public void Every_log_event_has_an_id_of_its_own()
    {
        var events = CodeFiles
            .SelectMany(file => LoggerMessage().Matches(File.ReadAllText(Path.Combine(SourceTree.Root, file))).Select(match => (file, text: match.Value)))
            .Select(entry => (entry.file, id: EventId(entry.text), entry.text))
            .ToArray();
        events.Where(entry => entry.id is null).Select(entry => $"{entry.file}: {entry.text} has no event id that can be read").ShouldBeEmpty();
        events.GroupBy(entry => entry.id).Where(group => group.Count() > 1)
            .Select(group => $"{group.Key}: {string.Join(", ", group.Select(entry => entry.file))}").ShouldBeEmpty();
    }

    // EventId = 1001, or the first argument of the constructor.
    private static string? EventId(string attribute) => EventIdArgument().Match(attribute) is { Success: true } match ? match.Groups[1].Value : null;

    [GeneratedRegex(@"(Helper|Util|Utils|Utilities|Manager|Misc|Common)s?$")]
    private static partial Regex VagueName();

    [GeneratedRegex(@"(?<=[\[,]\s*)LoggerMessage\s*\([^)]*")]
    private static partial Regex LoggerMessage();

    [GeneratedRegex(@"(?:EventId\s*=\s*|eventId\s*:\s*|LoggerMessage\s*\(\s*)(\d[\d_]*)")]
    private static partial Regex EventIdArgument();
}
