namespace RagCluster.Configuration.Tests;

/// <summary>The public conformance vectors, which are not part of the tree: tests that need them skip where they are absent.</summary>
internal static class SharedData
{
    public static string Folder(string name)
    {
        var root = Environment.GetEnvironmentVariable("RAGCLUSTER_SHARED_DATA");
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); root is null && folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "RagCluster.sln")))
            {
                root = Path.GetFullPath(Path.Combine(folder.FullName, "..", "shared", "data"));
            }
        }

        var path = Path.Combine(root ?? "", name);
        Assert.SkipUnless(root is not null && Directory.Exists(path), $"The shared data folder has no {name}: put it at ../shared/data or set RAGCLUSTER_SHARED_DATA.");
        return path;
    }
}
