using RagCluster.Actors.Catalog;
using RagCluster.Ingestion.Sources;
using RagCluster.Messages;
using RagCluster.Messages.Documents;
using RagCluster.Nodes.Client;

namespace RagCluster.Nodes.Intake;

/// <summary>What became of one document of a run.</summary>
/// <param name="Outcome">"indexed", "unchanged", "failed" or "removed".</param>
internal sealed record IngestedDocument(string Name, string Source, DocumentId? Id, int Version, string Outcome, int Chunks, string? Code, string? Detail);

/// <summary>Hears of a run's progress. Called from several threads.</summary>
internal interface IIngestObserver
{
    /// <param name="seen">Documents that the source has given so far.</param>
    /// <param name="done">How many of them have reached an end.</param>
    void Moved(int seen, int done);

    void Ended(IngestedDocument document);
}

/// <summary>
/// Takes in what a source gives and follows each document to its end: indexed, or failed with a reason. A bounded
/// number is on its way at a time, so that a slow node slows the source.
/// </summary>
internal sealed class IngestRun(IIntake intake, IIngestObserver observer, TimeProvider time) : IDisposable
{
    /// <summary>Documents sent and not yet at their end, at most.</summary>
    private const int MaxOpen = 512;

    private const int Senders = 32;

    private readonly Lock _lock = new();
    private readonly Dictionary<DocumentId, Sent> _open = [];
    private readonly SemaphoreSlim _places = new(MaxOpen);
    private TaskCompletionSource _allEnded = NewSignal();
    private int _seen;
    private int _done;

    /// <param name="Version">Null until the node has said it.</param>
    private sealed record Sent(string Name, string Source, int? Version)
    {
        /// <summary>What was told of the document before its version was known.</summary>
        public DocumentRow? Newest { get; init; }
    }

    /// <summary>Ends when the source is exhausted and every document has ended; a watching source never is.</summary>
    public async Task RunAsync(IDocumentSource source, CancellationToken cancellationToken)
    {
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var watching = WatchAsync(connected, stopping.Token);
        var checking = CheckAsync(stopping.Token);
        try
        {
            await await Task.WhenAny(connected.Task, watching);
            await Parallel.ForEachAsync(
                source.ReadAsync(cancellationToken),
                new ParallelOptions { MaxDegreeOfParallelism = Senders, CancellationToken = cancellationToken },
                async (item, token) => await TakeAsync(item, token));
            var ended = EndedAsync();
            await await Task.WhenAny(ended, watching);
            if (!ended.IsCompleted)
            {
                throw new IOException("The node stopped while documents were on their way. Those it has accepted are kept; start it and ingest again to see what became of them.");
            }
        }
        finally
        {
            await stopping.CancelAsync();
            await Task.WhenAll(Quiet(watching), Quiet(checking));
        }
    }

    public void Dispose() => _places.Dispose();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static async Task Quiet(Task task)
    {
        try
        {
            await task;
        }
        catch (Exception e) when (e is OperationCanceledException or HttpRequestException or IOException)
        {
            // The run is over; what it was worth is known from its documents.
        }
    }

    private async Task EndedAsync()
    {
        while (true)
        {
            Task ended;
            lock (_lock)
            {
                if (_open.Count == 0)
                {
                    return;
                }

                ended = _allEnded.Task;
            }

            await ended;
        }
    }

    private async ValueTask TakeAsync(SourceItem item, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _seen);
        switch (item)
        {
            case SourceProblem p:
                End(new IngestedDocument(p.Name, p.Uri, null, 0, "failed", 0, p.Code, p.Detail));
                break;
            case SourceRemoved r:
                await RemoveAsync(r, cancellationToken);
                break;
            case SourceDocument d:
                await _places.WaitAsync(cancellationToken);
                await SendAsync(d, cancellationToken);
                break;
        }
    }

    private async ValueTask RemoveAsync(SourceRemoved removed, CancellationToken cancellationToken)
    {
        var id = SourceIdentity.Of(removed.Uri);
        try
        {
            await intake.RemoveAsync(id, cancellationToken);
        }
        catch (NodeRefusedException e) when (e.Status == 404)
        {
            // Never taken in, or removed before: what was wanted.
        }

        End(new IngestedDocument(removed.Name, removed.Uri, id, 0, "removed", 0, null, null));
    }

    private async ValueTask SendAsync(SourceDocument document, CancellationToken cancellationToken)
    {
        var id = SourceIdentity.Of(document.Uri);
        lock (_lock)
        {
            // Known before it is sent: its end may be told before the reply to sending it is read.
            _open[id] = new Sent(document.Name, document.Uri, null);
        }

        try
        {
            var (version, changed) = await PutAsync(id, document, cancellationToken);
            DocumentRow? early;
            lock (_lock)
            {
                early = _open[id].Newest;
                _open[id] = new Sent(document.Name, document.Uri, version);
            }

            observer.Moved(Volatile.Read(ref _seen), Volatile.Read(ref _done));
            if (early is not null)
            {
                Consider(early, changed: true);
            }

            if (!changed)
            {
                // Nothing will be told of it, unless it is still on its way from an earlier run.
                await LookAsync(id, changed: false, cancellationToken);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NodeRefusedException)
        {
            lock (_lock)
            {
                _open.Remove(id);
            }

            _places.Release();
            End(new IngestedDocument(document.Name, document.Uri, id, 0, "failed", 0, e is NodeRefusedException refused ? refused.Code : "unreadable", e.Message));
        }
    }

    /// <summary>Sends the document, again for as long as the node says that it has too much to do.</summary>
    private async Task<(int Version, bool Changed)> PutAsync(DocumentId id, SourceDocument document, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                await using var content = await document.OpenAsync(cancellationToken);
                return await intake.PutAsync(id, document, content, cancellationToken);
            }
            catch (NodeRefusedException e) when (e.Status is 429 or 503)
            {
                await Task.Delay(e.RetryAfter ?? TimeSpan.FromSeconds(1), time, cancellationToken);
            }
        }
    }

    private async Task WatchAsync(TaskCompletionSource connected, CancellationToken cancellationToken)
    {
        await foreach (var row in intake.WatchAsync(() => connected.TrySetResult(), cancellationToken))
        {
            Consider(row, changed: true);
        }
    }

    /// <summary>Looks at what has been open for long: an event may have been missed.</summary>
    private async Task CheckAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(2), time);
        while (await timer.WaitForNextTickAsync(cancellationToken))
        {
            DocumentId[] open;
            lock (_lock)
            {
                open = [.. _open.Where(o => o.Value.Version is not null).Select(o => o.Key).Take(32)];
            }

            foreach (var id in open)
            {
                await LookAsync(id, changed: true, cancellationToken);
            }
        }
    }

    private async Task LookAsync(DocumentId id, bool changed, CancellationToken cancellationToken)
    {
        if (await intake.FindAsync(id, cancellationToken) is { } row)
        {
            Consider(row, changed);
        }
    }

    private void Consider(DocumentRow row, bool changed)
    {
        var failedForGood = row.Status == DocumentStatus.Failed && row.RetryAt is null;
        if (row.Status is not (DocumentStatus.Indexed or DocumentStatus.Removed) && !failedForGood)
        {
            return;
        }

        Sent? sent;
        lock (_lock)
        {
            if (!_open.TryGetValue(row.Id, out sent) || row.Version < sent.Version)
            {
                return;
            }

            if (sent.Version is null)
            {
                _open[row.Id] = sent with { Newest = row };
                return;
            }

            _open.Remove(row.Id);
        }

        _places.Release();
        var outcome = failedForGood ? "failed" : row.Status == DocumentStatus.Removed ? "removed" : changed ? "indexed" : "unchanged";
        End(new IngestedDocument(sent.Name, sent.Source, row.Id, row.Version, outcome, row.Chunks, failedForGood ? row.FailureCode : null, failedForGood ? row.FailureDetail : null));
    }

    private void End(IngestedDocument document)
    {
        var done = Interlocked.Increment(ref _done);
        observer.Ended(document);
        observer.Moved(Volatile.Read(ref _seen), done);
        lock (_lock)
        {
            if (_open.Count == 0)
            {
                _allEnded.TrySetResult();
                _allEnded = NewSignal();
            }
        }
    }
}
