using System.Runtime.CompilerServices;
using System.Threading.Channels;
using RagCluster.Configuration.Options;
using RagCluster.Ingestion.Sources;

namespace RagCluster.Nodes.Intake;

/// <summary>The files and folders that somebody named, in one stream. Folders are watched side by side if asked.</summary>
internal sealed class PathsSource(IReadOnlyList<string> paths, bool watch, WatchOptions options, TimeProvider time) : IDocumentSource
{
    public async IAsyncEnumerable<SourceItem> ReadAsync([EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var path in paths.Where(File.Exists))
        {
            yield return FolderSource.FileAt(path);
        }

        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellation);

        // One place: a folder is read on only when its last item has been taken.
        var items = Channel.CreateBounded<SourceItem>(1);
        var reading = ReadFoldersAsync(items.Writer, stopping.Token);
        try
        {
            await foreach (var item in items.Reader.ReadAllAsync(cancellation))
            {
                yield return item;
            }

            await reading;
        }
        finally
        {
            await stopping.CancelAsync();
            await reading.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private async Task ReadFoldersAsync(ChannelWriter<SourceItem> items, CancellationToken cancellationToken)
    {
        try
        {
            await Task.WhenAll(paths.Where(Directory.Exists).Select(async path =>
            {
                var folder = new FolderSource(
                    new FolderSourceOptions { Path = Path.GetFullPath(path), Watch = watch, Settle = options.Debounce, Rescan = options.Rescan }, time);
                await foreach (var item in folder.ReadAsync(cancellationToken))
                {
                    await items.WriteAsync(item, cancellationToken);
                }
            }));
            items.Complete();
        }
        catch (Exception e)
        {
            items.Complete(e);
        }
    }
}
