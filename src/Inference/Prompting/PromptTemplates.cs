using System.Reflection;
using System.Text;

namespace RagCluster.Inference.Prompting;

/// <summary>The templates in use: those that are built in, or files of the same names that somebody put in their place.</summary>
public sealed record PromptTemplates(PromptTemplate Answer, PromptTemplate Rewrite)
{
    private const string Extension = ".prompt";

    /// <summary>Those that are built in.</summary>
    public static PromptTemplates BuiltIn { get; } = new(
        Read("answer", BuiltInText("answer"), "the built-in answer.prompt"), Read("rewrite", BuiltInText("rewrite"), "the built-in rewrite.prompt"));

    /// <param name="folder">Holds files such as <c>answer.prompt</c>; what it does not hold stays as built in. Null: nothing of one's own.</param>
    /// <exception cref="PromptTemplateException">The folder or a template in it cannot be used.</exception>
    public static PromptTemplates Load(string? folder)
    {
        if (folder is null)
        {
            return BuiltIn;
        }

        if (!Directory.Exists(folder))
        {
            throw new PromptTemplateException($"The folder of prompt templates '{folder}' does not exist.");
        }

        var templates = BuiltIn;
        foreach (var path in Directory.EnumerateFiles(folder, "*" + Extension).Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileNameWithoutExtension(path);
            templates = name switch
            {
                "answer" => templates with { Answer = Read(name, TextOf(path), path) },
                "rewrite" => templates with { Rewrite = Read(name, TextOf(path), path) },
                _ => throw new PromptTemplateException($"{path}: no prompt is called \"{name}\"; there are answer{Extension} and rewrite{Extension}."),
            };
        }

        return templates;
    }

    /// <summary>The text of a built-in template, to begin one's own with.</summary>
    public static string BuiltInText(string name)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream(name + Extension)
            ?? throw new ArgumentException($"No template {name} is built in.", nameof(name));
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd();
    }

    private static PromptTemplate Read(string name, string text, string origin) => name == "answer"
        ? PromptTemplate.Parse(name, text, [PromptTemplate.Abstention], [PromptTemplate.Passages, PromptTemplate.Question], origin)
        : PromptTemplate.Parse(name, text, [], [PromptTemplate.Question], origin);

    private static string TextOf(string path)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(File.ReadAllBytes(path)).TrimStart('\ufeff');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or DecoderFallbackException)
        {
            throw new PromptTemplateException($"{path} cannot be read as UTF-8 text: {e.Message}");
        }
    }
}
