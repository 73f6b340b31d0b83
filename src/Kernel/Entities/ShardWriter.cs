using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Entities;

/// <summary>
/// The one writer of a shard's log. It gathers what the shard's entities append while its previous batch is under way,
/// gives the events their places in the log, and has one batch under way at a time: so the log is gapless and in the
/// order of its commits.
/// </summary>
/// <remarks>
/// 1. Committed: the entities hear of it.
/// 2. Conflict: perhaps one entity's picture of its history is wrong; each append is tried alone, and only that one fails.
/// 3. Unknown: the writer raises its own epoch, which waits for and fences the lost statement, and reads the log. The
///    batch is there (committed) or not (it is sent again, under the new epoch). If another owner has raised the epoch
///    meanwhile, the log tells as well. Until the store lets it find out, the shard takes no further appends.
/// 4. Fenced: the shard has another owner. Nothing is written from now on.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "Its source has no timer and no handle, and may be cancelled late.")]
internal sealed partial class ShardWriter
{
    private readonly ShardServices _services;
    private readonly int _shardId;
    private readonly Lock _gate = new();
    private readonly Queue<EntityAppend> _waiting = new();
    private readonly Permits _admission;
    private readonly CancellationTokenSource _closing = new();
    private readonly TaskCompletionSource _fenced = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Backoff _backoff;
    private Exception? _refusal;
    private Task _carrying = Task.CompletedTask;
    private bool _running;
    private long _epoch;
    private long _last;

    public ShardWriter(ShardServices services, int shardId, long epoch, long lastShardSeq)
    {
        _services = services;
        _shardId = shardId;
        _epoch = epoch;
        _last = lastShardSeq;
        _admission = new Permits(services.Commit.QueuePerShard);
        _backoff = services.NewBackoff();
    }

    /// <summary>Only the store's own steps raise it while the shard is open.</summary>
    public long Epoch => Volatile.Read(ref _epoch);

    /// <summary>Completes when the shard has another owner.</summary>
    public Task Fenced => _fenced.Task;

    /// <exception cref="StoreException">Nothing was written.</exception>
    public async Task<AppendResult> AppendAsync(EntityAppend append)
    {
        await _admission.WaitAsync(CancellationToken.None);
        try
        {
            Enqueue(append);
            return await append.Task;
        }
        finally
        {
            _admission.Release();
        }
    }

    /// <summary>Takes no more appends; completes when the one under way has ended, or gives up finding out at <paramref name="giveUp"/>.</summary>
    public async Task CloseAsync(CancellationToken giveUp)
    {
        Task carrying;
        lock (_gate)
        {
            _refusal = new StoreException(StoreFailure.Closed, $"Shard {_shardId} is closing: its next owner takes the command.");
            carrying = _carrying;
        }

        await using var registration = giveUp.Register(static state => ((CancellationTokenSource)state!).Cancel(), _closing);
        try
        {
            await carrying.OrCancelled(giveUp);
        }
        catch (OperationCanceledException)
        {
            // The store hangs. Whatever it still does is fenced by the next owner's epoch.
            return;
        }
    }

    /// <summary>Ends the attempts to find out about an append whose outcome is not known: the node has no time left.</summary>
    public void GiveUp() => _closing.Cancel();

    private void Enqueue(EntityAppend append)
    {
        lock (_gate)
        {
            if (_refusal is not null)
            {
                throw new StoreException(_refusal is StoreException e ? e.Failure : StoreFailure.Other, _refusal.Message, _refusal);
            }

            _waiting.Enqueue(append);
            if (!_running)
            {
                _running = true;
                _carrying = _services.Runtime.Run(CarryAsync);
            }
        }
    }

    private async Task CarryAsync()
    {
        for (var load = Load(); load.Count > 0; load = Load())
        {
            await CommitAsync(load);
        }
    }

    private List<EntityAppend> Load()
    {
        var load = new List<EntityAppend>();
        var events = 0;
        var bytes = 0;
        lock (_gate)
        {
            while (_waiting.TryPeek(out var append)
                && (load.Count == 0
                    || (events + append.Events.Count <= _services.Commit.MaxEventsPerShard && bytes + append.Bytes <= _services.Commit.MaxBytesPerShard)))
            {
                load.Add(_waiting.Dequeue());
                events += append.Events.Count;
                bytes += append.Bytes;
            }

            _running = load.Count > 0;
        }

        return load;
    }

    private async Task CommitAsync(List<EntityAppend> load)
    {
        while (true)
        {
            var batch = Batch(load);
            switch (await SendAsync(load, batch))
            {
                case AppendResult.Committed:
                    Committed(load, batch);
                    return;
                case AppendResult.Fenced:
                    Fence(load);
                    return;
                case AppendResult.Conflict when await RereadAsync():
                    break;
                case AppendResult.Conflict when load.Count > 1:
                    foreach (var append in load)
                    {
                        await CommitAsync([append]);
                    }

                    return;
                case AppendResult.Conflict:
                    EntityLog.AppendConflict(_services.Log, _shardId, load[0].Entity);
                    load[0].Finish(AppendResult.Conflict);
                    return;
                case AppendResult.Unknown:
                    switch (await ResolveAsync(batch))
                    {
                        case Doubt.Landed:
                            Committed(load, batch);
                            return;
                        case Doubt.LandedBeforeTakeover:
                            Committed(load, batch);
                            Fence([]);
                            return;
                        case Doubt.LostToTakeover:
                            Fence(load);
                            return;
                        case Doubt.Unsolved:
                            Finish(load, AppendResult.Unknown);
                            return;
                        case Doubt.Lost:
                        default:
                            break;
                    }

                    break;
                default:
                    return;
            }
        }
    }

    /// <summary>Null when the store refused it, and its entities have been told.</summary>
    private async Task<AppendResult?> SendAsync(List<EntityAppend> load, ShardBatch batch)
    {
        var start = _services.Runtime.Time.GetTimestamp();
        try
        {
            var result = await _services.Lane.AppendAsync(batch);
            KernelMetrics.Appends.Add(1, KernelMetrics.Result(result));
            KernelMetrics.BatchEvents.Record(batch.Events.Count);
            KernelMetrics.CommitDuration.Record(_services.Runtime.Time.GetElapsedTime(start).TotalSeconds);
            return result;
        }
        catch (Exception e)
        {
            EntityLog.AppendRefused(_services.Log, e, _shardId, batch.Events.Count);
            Fail(load, e);
            return null;
        }
    }

    private ShardBatch Batch(List<EntityAppend> load)
    {
        var events = new List<NewEvent>();
        var remembered = new List<RememberedChange>();
        foreach (var append in load)
        {
            events.AddRange(append.Events);
            if (append.Remembered is { } value)
            {
                remembered.Add(new RememberedChange(append.Entity, value));
            }
        }

        return new ShardBatch(_shardId, _epoch, _last + 1, events, remembered);
    }

    private void Committed(List<EntityAppend> load, ShardBatch batch)
    {
        _last += batch.Events.Count;
        KernelMetrics.EventsAppended.Add(batch.Events.Count);
        Finish(load, AppendResult.Committed);
        _services.Commits.Committed(_shardId);
    }

    private void Fence(List<EntityAppend> load)
    {
        EntityLog.ShardFenced(_services.Log, _shardId, _epoch);
        EntityAppend[] waiting;
        lock (_gate)
        {
            _refusal = new StoreException(StoreFailure.Closed, $"Shard {_shardId} has another owner.");
            waiting = [.. _waiting];
            _waiting.Clear();
        }

        Finish(load, AppendResult.Fenced);
        Finish(waiting, AppendResult.Fenced);
        _fenced.TrySetResult();
    }

    private static void Finish(IReadOnlyList<EntityAppend> load, AppendResult result)
    {
        foreach (var append in load)
        {
            append.Finish(result);
        }
    }

    private static void Fail(IReadOnlyList<EntityAppend> load, Exception reason)
    {
        foreach (var append in load)
        {
            append.Fail(reason);
        }
    }
}
