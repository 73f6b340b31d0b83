namespace RagCluster.Ingestion.Tests;

/// <summary>Finds the public evaluation data, which is no part of the tree; a test that needs it is skipped where it is absent.</summary>
internal static class SharedData
{
    public static string Folder(params string[] parts)
    {
        var root = Environment.GetEnvironmentVariable("RAGCLUSTER_SHARED_DATA");
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); root is null && at is not null; at = at.Parent)
        {
            if (File.Exists(Path.Combine(at.FullName, "RagCluster.sln")))
            {
                root = Path.Combine(at.FullName, "..", "shared", "data");
            }
        }

        var path = root is null ? "" : Path.Combine([root, .. parts]);
        Assert.SkipUnless(Path.Exists(path), $"The evaluation data ({string.Join('/', parts)}) is not here; set RAGCLUSTER_SHARED_DATA to its folder.");
        return path;
    }
}
