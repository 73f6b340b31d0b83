using System.Text.Json;
using System.Text.RegularExpressions;
using RagCluster.Messages.Identity;

namespace RagCluster.Ingestion.Sources;

/// <summary>
/// Who may read a folder's documents, from its file <c>access.json</c>: an object from patterns to roles, as in
/// <c>{"underwriting/**": ["underwriter"], "**/fees.csv": ["adviser", "underwriter"], "public/*": []}</c>.
/// Patterns are relative to the folder that holds the file: <c>*</c> and <c>?</c> stay within a name, <c>**</c> crosses
/// folders, case does not matter. An empty list means everybody in the tenant. The deepest folder whose access.json has
/// a matching pattern decides, and in it the last pattern that matches. A file that is not valid restricts
/// everything: nothing below its folder is taken in until it is corrected.
/// </summary>
internal sealed class AccessRules
{
    public const string FileName = "access.json";
    private const int MaxBytes = 1 << 20;
    private readonly List<(Regex Pattern, RoleSet Readers)> _rules = [];

    /// <summary>Why the file is not valid; null where it is.</summary>
    public string? Problem { get; private set; }

    /// <summary>Reads a folder's rules; null where it has none.</summary>
    public static AccessRules? Read(string folder)
    {
        var path = Path.Combine(folder, FileName);
        if (!File.Exists(path))
        {
            return null;
        }

        var rules = new AccessRules();
        try
        {
            rules.Load(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            rules.Problem = $"{path} cannot be used: {e.Message} Nothing below its folder is taken in until it is corrected.";
        }

        return rules;
    }

    /// <summary>The readers by the last rule that matches; null where none does.</summary>
    /// <param name="relativePath">From the folder that holds the file, with "/" between its parts.</param>
    public RoleSet? ReadersOf(string relativePath)
    {
        for (var i = _rules.Count - 1; i >= 0; i--)
        {
            if (_rules[i].Pattern.IsMatch(relativePath))
            {
                return _rules[i].Readers;
            }
        }

        return null;
    }

    private void Load(string path)
    {
        if (new FileInfo(path).Length > MaxBytes)
        {
            throw new JsonException($"It is larger than {MaxBytes:N0} bytes.");
        }

        using var json = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        if (json.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw new JsonException("It must be an object from patterns to lists of roles.");
        }

        foreach (var rule in json.RootElement.EnumerateObject())
        {
            if (rule.Value.ValueKind != JsonValueKind.Array || rule.Value.EnumerateArray().Any(r => r.ValueKind != JsonValueKind.String || string.IsNullOrWhiteSpace(r.GetString())))
            {
                throw new JsonException($"'{rule.Name}' must have a list of role names.");
            }

            _rules.Add((Pattern(rule.Name), RoleSet.Of(rule.Value.EnumerateArray().Select(r => r.GetString()!))));
        }
    }

    private static Regex Pattern(string glob)
    {
        if (glob.Length is 0 or > 512 || glob[0] is '/' or '~' || glob.Contains('\\', StringComparison.Ordinal) || glob.Split('/').Any(p => p is ".." or "." or ""))
        {
            throw new JsonException($"'{glob}' is no pattern below this folder: it must not be empty, begin with '/', or hold '..', '.' or '\\'.");
        }

        var regex = Regex.Escape(glob).Replace(@"\*\*/", "(?:.*/)?", StringComparison.Ordinal).Replace(@"\*\*", ".*", StringComparison.Ordinal).Replace(@"\*", "[^/]*", StringComparison.Ordinal).Replace(@"\?", "[^/]", StringComparison.Ordinal);
        // Without backtracking: a pattern of many stars takes linear time.
        return new Regex($"^{regex}$", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant | RegexOptions.NonBacktracking | RegexOptions.Singleline);
    }
}
