using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RagCluster.Kernel;
using RagCluster.Kernel.Blobs;
using RagCluster.Kernel.Journal;
using RagCluster.Retrieval.Analysis;
using RagCluster.Retrieval.Index;
using RagCluster.Retrieval.Segments;

namespace RagCluster.Actors.Partitions;

/// <summary>
/// Where a partition's saved index is: in a folder of this node and, where other nodes may open the partition next, in the
/// blob store; then the folder is a cache. What a snapshot keeps is the manifest of the files and, beside it, the names of
/// their blobs.
/// </summary>
/// <remarks>
/// Every instance marks what it uploads as its own, so that no two owners ever name the same blob, and none deletes what
/// another one's snapshot needs. Uploads of an owner that dies before its snapshot is durable stay behind.
/// </remarks>
/// <param name="shared">Null where nobody else opens the partition.</param>
/// <param name="analyzer">How words are read; null for English.</param>
public sealed class SegmentFiles(string folder, IBlobStore? shared, IRuntime runtime, Analyzer? analyzer = null)
{
    private const string BlobsProperty = "blobs";

    private readonly byte[] _mark = SegmentUpload.NewMark(runtime.Random);

    /// <summary>By file name the blob: those of the durable snapshot, and those uploaded since.</summary>
    private SortedDictionary<string, string> _blobs = new(StringComparer.Ordinal);

    /// <summary>How partitions keep their indexes: the entity has packing and merging done beside its turns.</summary>
    public IndexOptions IndexOptions { get; } = new() { WorksInBackground = true, Analyzer = analyzer ?? Analyzer.English };

    /// <summary>How long a node keeps the files of a partition that is elsewhere, in case that it comes back.</summary>
    public static readonly TimeSpan KeptFor = TimeSpan.FromDays(7);

    /// <summary>Removes the folders of partitions that have long been elsewhere. Only where the folders are caches.</summary>
    public static Task SweepAsync(string root, IRuntime runtime) => runtime.Run(() =>
    {
        var since = (runtime.Time.GetUtcNow() - KeptFor).UtcDateTime;
        foreach (var folder in Directory.Exists(root) ? Directory.GetDirectories(root) : [])
        {
            if (Directory.GetLastWriteTimeUtc(folder) < since)
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        return Task.CompletedTask;
    });

    /// <summary>Opens what a snapshot kept.</summary>
    /// <exception cref="SegmentCorruptException">It cannot be used; the index must be rebuilt from the log.</exception>
    /// <exception cref="StoreException">The blob store does not answer; try again later.</exception>
    /// <exception cref="IOException">The folder cannot be read or written.</exception>
    public async Task<PartitionIndex> OpenAsync(ReadOnlyMemory<byte> attachment, CancellationToken cancellationToken)
    {
        var (manifest, blobs) = Read(attachment.Span);
        _blobs = blobs;
        await FetchAsync(manifest, false, cancellationToken);
        try
        {
            return await OpenAsync(manifest);
        }
        catch (SegmentCorruptException) when (shared is not null && blobs.Count > 0)
        {
            // The cache may be to blame: a crash can leave it with files of the right name and length, and other bytes.
            await FetchAsync(manifest, true, cancellationToken);
            return await OpenAsync(manifest);
        }
    }

    /// <summary>Saves the index and gives what a snapshot keeps of it; before, it brings the graphs over its vectors up to date.</summary>
    public async Task<byte[]> SaveAsync(IndexReader reader, CancellationToken cancellationToken)
    {
        SegmentManifest? manifest = null;
        await runtime.Run(() =>
        {
            reader.Tend(cancellationToken);
            manifest = reader.Save(folder);
            return Task.CompletedTask;
        });
        var json = JsonSerializer.SerializeToNode(manifest!, SegmentJson.Default.SegmentManifest)!.AsObject();
        if (shared is not null)
        {
            json[BlobsProperty] = await UploadAsync(manifest!, cancellationToken);
        }

        return Encoding.UTF8.GetBytes(json.ToJsonString());
    }

    /// <summary>The snapshot with this is durable: removes what it does not name.</summary>
    public async Task TidyAsync(ReadOnlyMemory<byte> attachment, CancellationToken cancellationToken)
    {
        var (manifest, blobs) = Read(attachment.Span);
        await runtime.Run(() =>
        {
            PartitionIndex.Prune(folder, manifest);
            return Task.CompletedTask;
        });
        var old = _blobs.Values.Except(blobs.Values, StringComparer.Ordinal).ToList();
        _blobs = blobs;
        await DeleteAsync(old, cancellationToken);
    }

    /// <summary>The snapshot that was opened is of no use: what it named is not needed any more.</summary>
    public async Task DiscardAsync(CancellationToken cancellationToken)
    {
        var old = _blobs.Values.ToList();
        _blobs = new(StringComparer.Ordinal);
        await DeleteAsync(old, cancellationToken);
    }

    /// <summary>There is nothing to keep any more.</summary>
    public async Task ClearAsync(CancellationToken cancellationToken)
    {
        await DiscardAsync(cancellationToken);
        await runtime.Run(() =>
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }

            return Task.CompletedTask;
        });
    }

    private static (SegmentManifest Manifest, SortedDictionary<string, string> Blobs) Read(ReadOnlySpan<byte> attachment)
    {
        try
        {
            var json = JsonNode.Parse(attachment)?.AsObject() ?? throw new JsonException("The manifest is null.");
            var blobs = new SortedDictionary<string, string>(StringComparer.Ordinal);
            if (json[BlobsProperty] is JsonObject named)
            {
                foreach (var (file, blob) in named)
                {
                    blobs.Add(file, blob!.GetValue<string>());
                }
            }

            return json.Deserialize(SegmentJson.Default.SegmentManifest) is { Segments: not null, State: not null } manifest
                ? (manifest, blobs)
                : throw new JsonException("It names no files.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new SegmentCorruptException("manifest", "manifest", e.Message);
        }
    }

    private async Task<PartitionIndex> OpenAsync(SegmentManifest manifest)
    {
        PartitionIndex? index = null;
        await runtime.Run(() =>
        {
            index = PartitionIndex.Open(folder, manifest, IndexOptions);
            return Task.CompletedTask;
        });
        return index!;
    }

    /// <summary>Brings the files that are not in the folder into it.</summary>
    private async Task FetchAsync(SegmentManifest manifest, bool again, CancellationToken cancellationToken)
    {
        foreach (var file in manifest.Files)
        {
            var path = Path.Combine(folder, file.Name);
            var there = !again && new FileInfo(path) is { Exists: true } found && found.Length == file.Length;
            if (there || shared is null || !_blobs.TryGetValue(file.Name, out var blob))
            {
                continue;
            }

            if (Path.GetFileName(file.Name) != file.Name)
            {
                throw new SegmentCorruptException(file.Name, "manifest", "It is no file name.");
            }

            Directory.CreateDirectory(folder);
            await FetchAsync(shared, blob, file, path, cancellationToken);
        }
    }

    private static async Task FetchAsync(IBlobStore store, string blob, SegmentFile file, string path, CancellationToken cancellationToken)
    {
        try
        {
            await SegmentUpload.FetchAsync(store, blob, file.Length, path, cancellationToken);
        }
        catch (Exception e) when (e is BlobMissingException or BlobDamagedException or InvalidDataException)
        {
            throw new SegmentCorruptException(file.Name, "blob", e.Message);
        }
    }

    private async Task<JsonObject> UploadAsync(SegmentManifest manifest, CancellationToken cancellationToken)
    {
        var named = new JsonObject();
        foreach (var file in manifest.Files)
        {
            if (!_blobs.TryGetValue(file.Name, out var blob))
            {
                await using var upload = new SegmentUpload(_mark, Path.Combine(folder, file.Name));
                blob = await shared!.PutAsync(upload, long.MaxValue, cancellationToken);
                _blobs.Add(file.Name, blob);
            }

            named[file.Name] = blob;
        }

        return named;
    }

    private async Task DeleteAsync(List<string> blobs, CancellationToken cancellationToken)
    {
        foreach (var blob in blobs)
        {
            if (shared is not null)
            {
                await shared.DeleteAsync(blob, cancellationToken);
            }
        }
    }
}
