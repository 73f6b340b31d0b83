namespace RagCluster.Nodes.Tests.Running;

/// <summary>Public documents that are too large or not ours to keep in the tree; beside it where they are.</summary>
public static class SharedData
{
    /// <summary>A folder of them; skips the test where it is absent.</summary>
    public static string Folder(string name)
    {
        var root = Environment.GetEnvironmentVariable("RAGCLUSTER_SHARED_DATA");
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); root is null && at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "RagCluster.sln")))
            {
                root = Path.Combine(at.FullName, "..", "shared", "data");
            }
        }

        var folder = Path.Combine(root ?? "", name);
        Assert.SkipUnless(Directory.Exists(folder), $"The folder {name} of the shared data is not here.");
        return folder;
    }
}
