namespace RagCluster.Inference.Tests;

/// <summary>Public evaluation data that lies beside the project and never in it; a test that needs it is skipped where it is absent.</summary>
internal static class SharedData
{
    public static string Find(string folder)
    {
        foreach (var root in Roots())
        {
            var path = Path.Combine(root, folder);
            if (Directory.Exists(path))
            {
                return path;
            }
        }

        Assert.Skip($"The evaluation data '{folder}' is not here: set RAGCLUSTER_SHARED_DATA to the folder that holds it.");
        return "";
    }

    private static IEnumerable<string> Roots()
    {
        if (Environment.GetEnvironmentVariable("RAGCLUSTER_SHARED_DATA") is { Length: > 0 } named)
        {
            yield return named;
        }

        if (RepositoryRoot() is { } root)
        {
            yield return Path.Combine(root, "..", "shared", "data");
        }
    }

    public static string? RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "RagCluster.sln")))
        {
            folder = folder.Parent;
        }

        return folder?.FullName;
    }
}
