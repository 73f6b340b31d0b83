using System.IO.Compression;

namespace RagCluster.Retrieval.Tests;

/// <summary>Research and conformance data that stays outside the tree; tests that want it are skipped where it is absent.</summary>
internal static class SharedData
{
    public static string? Root { get; } = Find();

    /// <summary>The full path of a file or folder of the data, or a skipped test.</summary>
    public static string PathOf(params string[] parts)
    {
        var path = Root is null ? null : Path.Combine([Root, .. parts]);
        if (path is null || (!File.Exists(path) && !Directory.Exists(path)))
        {
            Assert.Skip($"The evaluation data {string.Join('/', parts)} is not here; see RAGCLUSTER_SHARED_DATA.");
        }

        return path;
    }

    public static string[] LinesOf(params string[] parts)
    {
        using var file = File.OpenRead(PathOf(parts));
        using var stream = parts[^1].EndsWith(".gz", StringComparison.Ordinal) ? (Stream)new GZipStream(file, CompressionMode.Decompress) : file;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().TrimEnd('\n').Split('\n');
    }

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("RAGCLUSTER_SHARED_DATA") is { Length: > 0 } named)
        {
            return named;
        }

        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "RagCluster.sln")))
            {
                var beside = Path.GetFullPath(Path.Combine(folder.FullName, "..", "shared", "data"));
                return Directory.Exists(beside) ? beside : null;
            }
        }

        return null;
    }
}
