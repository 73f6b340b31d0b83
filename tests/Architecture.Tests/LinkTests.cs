using System.Text.RegularExpressions;

namespace RagCluster.Architecture.Tests;

/// <summary>Whoever follows a link in the documentation arrives: at a file, a folder, or a heading.</summary>
public partial class LinkTests
{
    private static readonly string[] NotOurs = [".git", "bin", "obj", "TestResults", "BenchmarkDotNet.Artifacts"];

    [Fact]
    public void Every_relative_link_resolves()
    {
        var links = Pages(SourceTree.Root).SelectMany(page => LinksOf(File.ReadAllText(page)).Select(target => (page, target))).ToArray();
        links.Length.ShouldBeGreaterThan(20);
        links.Where(link => !Resolves(link.page, link.target))
            .Select(link => $"{Path.GetRelativePath(SourceTree.Root, link.page)}: {link.target}")
            .ShouldBeEmpty();
    }

    [Theory]
    [InlineData("[x](gone.md)", "gone.md")]
    [InlineData("[x](../src \"title\") `[y](code.md)`", "../src")]
    [InlineData("```\n[y](code.md)\n```\n![x](a%20b.png)", "a%20b.png")]
    [InlineData("[x](https://example.org/a) [y](#here)", "#here")]
    public void Links_are_found_outside_of_code(string text, string target) => LinksOf(text).ShouldBe([target]);

    [Theory]
    [InlineData("README.md#no-such-heading", false)]
    [InlineData("no-such-file.md", false)]
    [InlineData("README.md", true)]
    [InlineData("src", true)]
    public void A_broken_link_is_noticed(string target, bool resolves) => Resolves(Path.Combine(SourceTree.Root, "README.md"), target).ShouldBe(resolves);

    /// <summary>Markdown that is written by hand; sample documents are data, and link to pages that do not exist.</summary>
    private static IEnumerable<string> Pages(string folder) => Directory.EnumerateFiles(folder, "*.md").Concat(
        Directory.EnumerateDirectories(folder)
            .Where(child => !NotOurs.Contains(Path.GetFileName(child)))
            .Where(child => Path.GetRelativePath(SourceTree.Root, child).Replace('\\', '/') is not ("samples/library" or "samples/build"))
            .SelectMany(Pages));

    private static IEnumerable<string> LinksOf(string text) => Link()
        .Matches(Code().Replace(text, ""))
        .Select(match => match.Groups[1].Value)
        .Where(target => !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal));

    private static bool Resolves(string page, string target)
    {
        var (path, heading) = target.Split('#', 2) is [var before, var after] ? (before, after) : (target, null);
        var file = path.Length == 0 ? page : Path.GetFullPath(Path.Combine(Path.GetDirectoryName(page)!, Uri.UnescapeDataString(path)));
        return heading is null
            ? File.Exists(file) || Directory.Exists(file)
            : File.Exists(file) && Heading().Matches(Code().Replace(File.ReadAllText(file), "")).Any(match => Anchor(match.Groups[1].Value) == heading);
    }

    /// <summary>As hosting sites make it: lower case, hyphens for spaces, no punctuation.</summary>
    private static string Anchor(string heading) => Punctuation().Replace(heading.Trim().ToLowerInvariant(), "").Replace(' ', '-');

    [GeneratedRegex(@"```.*?```|`[^`\n]*`", RegexOptions.Singleline)]
    private static partial Regex Code();

    [GeneratedRegex(@"\]\(([^()\s]+)(?:\s+""[^""]*"")?\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^#{1,6}[ ]+(.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"[^\w\- ]")]
    private static partial Regex Punctuation();
}
