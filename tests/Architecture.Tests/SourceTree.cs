using System.Xml.Linq;

namespace RagCluster.Architecture.Tests;

/// <summary>The project's files as they lie on disk, without what the build makes.</summary>
internal static class SourceTree
{
    public static string Root { get; } = FindRoot();

    public static string Source => Path.Combine(Root, "src");

    /// <summary>Files below src, as paths relative to the root with forward slashes.</summary>
    public static IReadOnlyList<string> Files { get; } = Directory
        .EnumerateFiles(Source, "*", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(Root, file).Replace('\\', '/'))
        .Where(file => !file.Split('/').Any(part => part is "bin" or "obj"))
        .Order(StringComparer.Ordinal)
        .ToArray();

    public static XDocument Project(string name) => XDocument.Load(Path.Combine(Source, name, $"{name}.csproj"));

    public static IReadOnlyList<string> Rooms => Directory.EnumerateDirectories(Source).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal).ToArray();

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "RagCluster.sln")))
            {
                return folder.FullName;
            }
        }

        throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds RagCluster.sln: run the tests from the source tree.");
    }
}
