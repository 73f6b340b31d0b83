using System.Runtime.CompilerServices;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using RagCluster.Ingestion.Parsing;

namespace RagCluster.Ingestion.Sources;

/// <summary>Which files of a folder are taken in.</summary>
public sealed record FolderSourceOptions
{
    /// <summary>The folder. A file's readers come from <c>access.json</c> files in it: see docs of <see cref="FolderSource"/>.</summary>
    public required string Path { get; init; }

    public bool Recursive { get; init; } = true;

    /// <summary>The extensions taken, with their dots; null takes every file and lets the parser find out what it is.</summary>
    public IReadOnlySet<string>? Extensions { get; init; } = MediaTypes.Extensions;

    /// <summary>Larger files are reported and not read.</summary>
    public long MaxBytes { get; init; } = 64L << 20;

    /// <summary>Whether to go on after the first scan with what is created, changed, renamed and deleted.</summary>
    public bool Watch { get; init; }

    /// <summary>How long a file must have stayed the same before it is read while watching: a file being copied is not read half.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How often the folder is scanned while watching even if the system reports no change: reports can get lost.</summary>
    public TimeSpan Rescan { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>
/// The files of a folder, and, while watching, what becomes of them. Hidden and temporary files are left out. The
/// file <c>access.json</c> in a folder says who may read what is below it (<see cref="AccessRules"/>); a change of it
/// counts as a change of the documents that it concerns. Scans are the truth: the system's reports of changes only say
/// that one is due. Reading again starts anew.
/// </summary>
public sealed partial class FolderSource(FolderSourceOptions options, TimeProvider time, ILogger<FolderSource>? logger = null) : IDocumentSource
{
    private readonly ILogger _logger = logger ?? NullLogger<FolderSource>.Instance;

    /// <summary>A file that somebody named, whatever its extension; read by those whom the access.json files above it name.</summary>
    public static SourceItem FileAt(string path)
    {
        var seen = FolderScan.One(new FileInfo(System.IO.Path.GetFullPath(path)));
        return (SourceItem?)seen.Problem ?? Document(seen);
    }

    public async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        if (!Directory.Exists(options.Path))
        {
            yield return new SourceProblem(new Uri(System.IO.Path.GetFullPath(options.Path)).AbsoluteUri, options.Path, Messages.Documents.FailureCodes.StoreUnavailable, $"The folder '{options.Path}' does not exist.");
            if (!options.Watch)
            {
                yield break;
            }
        }

        // The watcher is there before the first scan, so that no change falls between the two.
        var due = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
        using var watcher = options.Watch ? Watcher(due.Writer) : null;
        var known = new Dictionary<string, SeenFile>(StringComparer.Ordinal);
        var pending = new Dictionary<string, (SeenFile File, long Since)>(StringComparer.Ordinal);
        while (true)
        {
            foreach (var item in Directory.Exists(options.Path) ? Changes(known, pending, cancellation) : [])
            {
                yield return item;
            }

            if (!options.Watch)
            {
                yield break;
            }

            await WaitAsync(due.Reader, pending.Count > 0 ? options.Settle : options.Rescan, cancellation);
        }
    }

    private IEnumerable<SourceItem> Changes(Dictionary<string, SeenFile> known, Dictionary<string, (SeenFile File, long Since)> pending, CancellationToken cancellation)
    {
        var scan = new FolderScan(options, cancellation);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in scan.Files())
        {
            seen.Add(file.Path);
            if (known.TryGetValue(file.Path, out var before) && before == file)
            {
                pending.Remove(file.Path);
                continue;
            }

            if (options.Watch && !HasSettled(file, pending))
            {
                continue;
            }

            pending.Remove(file.Path);
            known[file.Path] = file;
            yield return (SourceItem?)file.Problem ?? Document(file);
        }

        foreach (var gone in pending.Keys.Where(p => !seen.Contains(p)).ToArray())
        {
            pending.Remove(gone);
        }

        // After a scan that could not see everything, what is missing may only be out of sight.
        if (!scan.IsIncomplete)
        {
            foreach (var gone in known.Values.Where(f => !seen.Contains(f.Path)).ToArray())
            {
                known.Remove(gone.Path);
                if (gone.Problem is null || gone.Bytes > 0)
                {
                    yield return new SourceRemoved(FolderScan.Uri(new FileInfo(gone.Path)), gone.Name);
                }
            }
        }
    }

    private bool HasSettled(SeenFile file, Dictionary<string, (SeenFile File, long Since)> pending)
    {
        if (time.GetUtcNow().UtcDateTime - file.Written >= options.Settle)
        {
            return true;
        }

        if (pending.TryGetValue(file.Path, out var waiting) && waiting.File == file)
        {
            return time.GetElapsedTime(waiting.Since) >= options.Settle;
        }

        pending[file.Path] = (file, time.GetTimestamp());
        return false;
    }

    private static SourceDocument Document(SeenFile file) =>
        new(FolderScan.Uri(new FileInfo(file.Path)), file.Name, null, file.Bytes, file.Readers, new Dictionary<string, string> { ["path"] = file.Name },
            _ => ValueTask.FromResult<Stream>(new FileStream(file.Path, new FileStreamOptions
            {
                Mode = FileMode.Open,
                Access = FileAccess.Read,
                Share = FileShare.ReadWrite | FileShare.Delete,
                Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
            })));

    private FileSystemWatcher? Watcher(ChannelWriter<bool> due)
    {
        FileSystemWatcher? watcher = null;
        try
        {
            watcher = new FileSystemWatcher(options.Path)
            {
                IncludeSubdirectories = options.Recursive,
                InternalBufferSize = 64 << 10,
                NotifyFilter = NotifyFilters.FileName | NotifyFilters.DirectoryName | NotifyFilters.LastWrite | NotifyFilters.Size,
            };
            watcher.Changed += (_, _) => due.TryWrite(true);
            watcher.Created += (_, _) => due.TryWrite(true);
            watcher.Deleted += (_, _) => due.TryWrite(true);
            watcher.Renamed += (_, _) => due.TryWrite(true);
            watcher.Error += (_, e) =>
            {
                ReportsLost(options.Path, e.GetException());
                due.TryWrite(true);
            };
            watcher.EnableRaisingEvents = true;
            return watcher;
        }
        catch (Exception e) when (e is IOException or ArgumentException or UnauthorizedAccessException)
        {
            // No more watches on this system, or no folder yet: scans alone find everything, later.
            NotWatched(options.Path, options.Rescan, e);
            watcher?.Dispose();
            return null;
        }
    }

    private async Task WaitAsync(ChannelReader<bool> due, TimeSpan atMost, CancellationToken cancellation)
    {
        using var timeout = new CancellationTokenSource(atMost, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellation, timeout.Token);
        try
        {
            await due.ReadAsync(both.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // Nothing was reported in this time: a scan is due all the same.
            return;
        }

        // Changes come in crowds; one scan serves them all.
        await Task.Delay(options.Settle < TimeSpan.FromMilliseconds(200) ? options.Settle : TimeSpan.FromMilliseconds(200), time, cancellation);
        due.TryRead(out _);
    }

    [LoggerMessage(4101, LogLevel.Warning, "Changes in '{Path}' came faster than they could be read; it is scanned instead")]
    private partial void ReportsLost(string path, Exception exception);

    [LoggerMessage(4102, LogLevel.Warning, "The system does not report changes in '{Path}'; it is scanned every {Rescan} instead")]
    private partial void NotWatched(string path, TimeSpan rescan, Exception exception);
}
