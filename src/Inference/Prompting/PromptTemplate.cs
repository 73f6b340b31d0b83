using System.Text.RegularExpressions;

namespace RagCluster.Inference.Prompting;

/// <summary>A prompt template cannot be used; the message names the file, the line and what to change.</summary>
public sealed class PromptTemplateException(string message) : Exception(message);

/// <summary>
/// The wording of a prompt: what the model is told as its rules, and the message that the passages and the question go
/// into. Read from text with a <c>[system]</c> and a <c>[user]</c> section; lines before the first section that begin
/// with "#" are remarks.
/// </summary>
/// <remarks>
/// Placeholders are replaced in one pass, so that a document that contains "{{question}}" stays as it is. What comes from
/// documents and people goes into the user's message only: a template that puts it among the rules is refused.
/// </remarks>
public sealed partial class PromptTemplate
{
    /// <summary>The longest template, in UTF-16 code units: more leaves no room for passages.</summary>
    public const int MaxLength = 20_000;

    public const string Passages = "passages";
    public const string Question = "question";
    public const string Abstention = "abstention";

    private PromptTemplate(string name, string system, string user) => (Name, System, User) = (name, system, user);

    /// <summary>What it is for, such as "answer".</summary>
    public string Name { get; }

    /// <summary>The rules, with their placeholders.</summary>
    public string System { get; }

    /// <summary>The user's message, with its placeholders.</summary>
    public string User { get; }

    /// <param name="system">The placeholders that the rules must have; they may have no other.</param>
    /// <param name="user">Those that the user's message must have, each once; it may have no other.</param>
    /// <param name="origin">Where the text is from, for messages.</param>
    /// <exception cref="PromptTemplateException">Something is missing, unknown or in the wrong place.</exception>
    public static PromptTemplate Parse(string name, string text, IReadOnlyList<string> system, IReadOnlyList<string> user, string origin)
    {
        if (text.Length > MaxLength)
        {
            throw new PromptTemplateException($"{origin} has {text.Length} characters; a template has at most {MaxLength}.");
        }

        var sections = Sections(text.ReplaceLineEndings("\n"), origin);
        Check(sections, "system", system, user, origin);
        Check(sections, "user", user, [], origin);
        return new PromptTemplate(name, sections["system"].Text.Trim(), sections["user"].Text.Trim());
    }

    /// <summary>The text with every placeholder replaced by its value; values are not looked into.</summary>
    public static string Fill(string text, IReadOnlyDictionary<string, string> values) =>
        Placeholder().Replace(text, match => values[match.Groups[1].Value]);

    private static Dictionary<string, (int Line, string Text)> Sections(string text, string origin)
    {
        var sections = new Dictionary<string, (int Line, string Text)>(StringComparer.Ordinal);
        string? current = null;
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            if (line.TrimEnd() is "[system]" or "[user]")
            {
                current = line.Trim()[1..^1];
                if (!sections.TryAdd(current, (number + 1, "")))
                {
                    throw new PromptTemplateException($"{origin}, line {number}: there is a [{current}] section already.");
                }
            }
            else if (current is not null)
            {
                sections[current] = (sections[current].Line, sections[current].Text + line + "\n");
            }
            else if (line.Trim().Length > 0 && !line.StartsWith('#'))
            {
                throw new PromptTemplateException($"{origin}, line {number}: text stands before the first section. Begin with [system], or with \"#\" for a remark.");
            }
        }

        return sections;
    }

    private static void Check(
        Dictionary<string, (int Line, string Text)> sections, string name, IReadOnlyList<string> wanted, IReadOnlyList<string> elsewhere, string origin)
    {
        if (!sections.TryGetValue(name, out var section) || section.Text.Trim().Length == 0)
        {
            throw new PromptTemplateException($"{origin}: the [{name}] section is missing or empty.");
        }

        var found = new HashSet<string>(StringComparer.Ordinal);
        foreach (Match match in Placeholder().Matches(section.Text))
        {
            var placeholder = match.Groups[1].Value;
            var line = section.Line + section.Text.AsSpan(0, match.Index).Count('\n');
            if (elsewhere.Contains(placeholder))
            {
                throw new PromptTemplateException(
                    $"{origin}, line {line}: {{{{{placeholder}}}}} belongs into the [user] section. Text of documents and people among the rules would have the force of rules.");
            }

            if (!wanted.Contains(placeholder))
            {
                var known = wanted.Count == 0 ? "none" : string.Join(", ", wanted.Select(w => $"{{{{{w}}}}}"));
                throw new PromptTemplateException($"{origin}, line {line}: {{{{{placeholder}}}}} is unknown; [{name}] has {known}.");
            }

            if (!found.Add(placeholder) && name == "user")
            {
                throw new PromptTemplateException($"{origin}, line {line}: {{{{{placeholder}}}}} is there twice.");
            }
        }

        if (wanted.FirstOrDefault(w => !found.Contains(w)) is { } missing)
        {
            throw new PromptTemplateException($"{origin}: the [{name}] section needs {{{{{missing}}}}}.");
        }
    }

    [GeneratedRegex(@"\{\{\s*([^{}\s]*)\s*\}\}", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Placeholder();
}
