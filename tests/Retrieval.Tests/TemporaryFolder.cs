namespace RagCluster.Retrieval.Tests;

/// <summary>A folder of a test's own, gone afterwards; in memory where the system has such a place, since flushing to a busy disk takes seconds.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private const string InMemory = "/dev/shm";

    public string Path { get; } = Directory.CreateDirectory(
        System.IO.Path.Combine(Directory.Exists(InMemory) ? InMemory : System.IO.Path.GetTempPath(), $"ragcluster-retrieval-{Guid.NewGuid():n}")).FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
