namespace RagCluster.Nodes.Benchmarks;

/// <summary>A folder for one benchmark, on the disk of the data folder; it goes with what is in it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private readonly string? _made;

    /// <param name="dataFolder">The data folder itself is left as it is.</param>
    public TemporaryFolder(string dataFolder)
    {
        _made = Directory.Exists(dataFolder) ? null : dataFolder;
        Path = System.IO.Path.Combine(System.IO.Path.GetFullPath(dataFolder), $"bench-{Guid.NewGuid():N}");
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    /// <summary>A folder in it that is not there yet.</summary>
    public string New(string name) => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        Directory.Delete(Path, recursive: true);
        if (_made is not null && !Directory.EnumerateFileSystemEntries(_made).Any())
        {
            Directory.Delete(_made);
        }
    }
}
