using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Backup;

/// <summary>The files of a backup: written once, flushed, and read back only whole and unchanged.</summary>
public static class BackupFolder
{
    private const int BufferBytes = 1 << 20;

    /// <summary>Reads the manifest and compares every file with it.</summary>
    /// <exception cref="StoreRefusedException">It is no backup, or not whole, or changed; the message says what.</exception>
    public static async Task<BackupManifest> VerifyAsync(string folder, IProgress<BackupProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        var manifest = Read(folder);
        long done = 0;
        foreach (var part in manifest.Parts)
        {
            var path = PathOf(folder, part.File);
            if (!File.Exists(path))
            {
                throw new StoreRefusedException($"The backup in \"{folder}\" is not whole: the file {part.File} is missing.");
            }

            var length = new FileInfo(path).Length;
            if (length != part.Bytes)
            {
                throw new StoreRefusedException($"The backup in \"{folder}\" is not whole: the file {part.File} has {length} bytes, and {part.Bytes} were written.");
            }

            await using var file = File.OpenRead(path);
            if (Convert.ToHexStringLower(await SHA256.HashDataAsync(file, cancellationToken)) != part.Sha256)
            {
                throw new StoreRefusedException($"The backup in \"{folder}\" was changed: the checksum of the file {part.File} differs.");
            }

            done += length;
            progress?.Report(new BackupProgress(part.File, done));
        }

        return manifest;
    }

    /// <exception cref="StoreRefusedException">There is no manifest of a format that this program knows.</exception>
    public static BackupManifest Read(string folder)
    {
        var path = Path.Combine(folder, BackupManifest.FileName);
        if (!File.Exists(path))
        {
            throw new StoreRefusedException($"There is no backup in \"{folder}\": the file {BackupManifest.FileName}, which is written last, is missing.");
        }

        BackupManifest? manifest;
        try
        {
            manifest = JsonSerializer.Deserialize(File.ReadAllBytes(path), BackupJson.Default.BackupManifest);
        }
        catch (JsonException e)
        {
            throw new StoreRefusedException($"The file \"{path}\" is no manifest of a backup: {e.Message}", e);
        }

        return manifest switch
        {
            { Format: BackupManifest.CurrentFormat, Parts: not null, Shards: not null, Engine: not null } => manifest,
            { Format: > BackupManifest.CurrentFormat } => throw new StoreRefusedException(
                $"The backup in \"{folder}\" has format {manifest.Format}, and this program knows {BackupManifest.CurrentFormat}: restore it with the program that made it ({manifest.Program})."),
            _ => throw new StoreRefusedException($"The file \"{path}\" is no manifest of a backup of RagCluster."),
        };
    }

    /// <summary>Makes the folder; one that holds anything is left alone.</summary>
    /// <exception cref="StoreRefusedException">It is not empty.</exception>
    internal static void Begin(string folder)
    {
        Directory.CreateDirectory(folder);
        if (Directory.EnumerateFileSystemEntries(folder).Any())
        {
            throw new StoreRefusedException($"The folder \"{folder}\" is not empty: name a new one for each backup.");
        }
    }

    /// <summary>Copies a stream into a file of the backup, flushed.</summary>
    internal static async Task<BackupPart> WriteAsync(string folder, string file, Stream from, Action<long> copied, CancellationToken cancellationToken)
    {
        var path = PathOf(folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        try
        {
            await using var to = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 0, FileOptions.Asynchronous);
            long bytes = 0;
            for (int read; (read = await from.ReadAsync(buffer.AsMemory(0, BufferBytes), cancellationToken)) > 0;)
            {
                hash.AppendData(buffer, 0, read);
                await to.WriteAsync(buffer.AsMemory(0, read), cancellationToken);
                bytes += read;
                copied(read);
            }

            to.Flush(flushToDisk: true);
            return new BackupPart(file, bytes, Convert.ToHexStringLower(hash.GetHashAndReset()));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Ends a backup: from here on it is one.</summary>
    internal static void Complete(string folder, BackupManifest manifest)
    {
        var incomplete = Path.Combine(folder, BackupManifest.FileName + ".new");
        using (var file = new FileStream(incomplete, FileMode.Create, FileAccess.Write))
        {
            JsonSerializer.Serialize(file, manifest, BackupJson.Default.BackupManifest);
            file.Flush(flushToDisk: true);
        }

        File.Move(incomplete, Path.Combine(folder, BackupManifest.FileName));
    }

    /// <exception cref="StoreRefusedException">The name would lead out of the folder.</exception>
    internal static string PathOf(string folder, string file)
    {
        var root = Path.GetFullPath(folder);
        var path = Path.GetFullPath(file, root);
        return path.StartsWith(root + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? path
            : throw new StoreRefusedException($"The manifest of the backup in \"{folder}\" names the file {file}, which is outside of it.");
    }
}
