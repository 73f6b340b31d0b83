using System.Security.Cryptography;

namespace RagCluster.Kernel.Blobs;

/// <summary>
/// Large blobs as files "blobs/ab/sha256-ab...". A file is written under another name, flushed, renamed, and its
/// folder flushed: so a name never stands for half of its content, whenever the power fails.
/// </summary>
internal sealed class BlobFiles
{
    private const int BufferBytes = 128 * 1024;

    private readonly string _folder;
    private readonly string _incoming;
    private long _names;

    public BlobFiles(string folder)
    {
        _folder = folder;
        _incoming = Path.Combine(folder, "incoming");
        if (Directory.Exists(_incoming))
        {
            // What a crash left behind was never promised to anyone.
            Directory.Delete(_incoming, recursive: true);
        }

        Directory.CreateDirectory(_incoming);
    }

    public string PathOf(string id) => Path.Combine(_folder, id.Substring(7, 2), id);

    /// <summary>A new file to write a blob to, before its name is known.</summary>
    public FileStream CreateIncoming() => new(
        Path.Combine(_incoming, $"{Interlocked.Increment(ref _names)}"),
        new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, Options = FileOptions.Asynchronous });

    /// <summary>Gives a written file its name. If there is one of that name, it has the same bytes, and this one goes.</summary>
    public void Keep(FileStream incoming, string id)
    {
        incoming.Flush(flushToDisk: true);
        incoming.Dispose();
        var path = PathOf(id);
        var folder = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(folder))
        {
            Directory.CreateDirectory(folder);
            FlushFolder(_folder);
        }

        File.Move(incoming.Name, path, overwrite: true);
        FlushFolder(folder);
    }

    public static void Drop(FileStream incoming)
    {
        incoming.Dispose();
        File.Delete(incoming.Name);
    }

    /// <exception cref="BlobDamagedException">The bytes are not those of the name.</exception>
    public async ValueTask<Stream?> OpenAsync(string id, CancellationToken cancellationToken)
    {
        var path = PathOf(id);
        if (!File.Exists(path))
        {
            return null;
        }

        var stream = new FileStream(
            path, new FileStreamOptions { Mode = FileMode.Open, Access = FileAccess.Read, Share = FileShare.Read | FileShare.Delete, BufferSize = BufferBytes });
        try
        {
            var actual = BlobIds.OfHash(await SHA256.HashDataAsync(stream, cancellationToken));
            if (actual != id)
            {
                throw new BlobDamagedException(
                    $"The file \"{path}\" is damaged: its content is {actual}. Put it back from a backup, or ingest the document again.");
            }

            stream.Position = 0;
            return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }

    public long? Length(string id) => new FileInfo(PathOf(id)) is { Exists: true } file ? file.Length : null;

    public bool Delete(string id)
    {
        var path = PathOf(id);
        if (!File.Exists(path))
        {
            return false;
        }

        File.Delete(path);
        FlushFolder(Path.GetDirectoryName(path)!);
        return true;
    }

    /// <summary>Makes the names in a folder durable. Windows does so by itself and cannot open a folder as a file.</summary>
    private static void FlushFolder(string folder)
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        using var handle = FolderHandle.Open(folder);
        RandomAccess.FlushToDisk(handle);
    }
}
