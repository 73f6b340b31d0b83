namespace RagCluster.Ingestion.Sources;

/// <summary>Checkpoints in a folder, a file for each source. A crash while one is written leaves the one before.</summary>
public sealed class FileCheckpoints(string folder) : ISourceCheckpoints
{
    /// <exception cref="IOException">The file is there and cannot be read.</exception>
    public async ValueTask<string?> ReadAsync(string source, CancellationToken cancellation)
    {
        try
        {
            return await File.ReadAllTextAsync(PathOf(source), cancellation);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    /// <exception cref="IOException">It cannot be written; the one before still holds.</exception>
    public async ValueTask SaveAsync(string source, string checkpoint, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        var path = PathOf(source);
        var written = path + ".new";
        await using (var file = new FileStream(written, FileMode.Create, FileAccess.Write, FileShare.None, 64 << 10, FileOptions.Asynchronous))
        {
            await using (var writer = new StreamWriter(file, leaveOpen: true))
            {
                await writer.WriteAsync(checkpoint.AsMemory(), cancellation);
            }

            file.Flush(flushToDisk: true);
        }

        File.Move(written, path, overwrite: true);
    }

    /// <summary>A source's name may hold what a file system does not like.</summary>
    private string PathOf(string source) => Path.Combine(folder, Uri.EscapeDataString(source) + ".checkpoint");
}
