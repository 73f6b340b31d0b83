using RagCluster.Kernel.Journal;

namespace RagCluster.Kernel.Entities;

/// <summary>How a shard's writer finds out what it does not know: the end of its log, or what became of an append.</summary>
internal sealed partial class ShardWriter
{
    /// <summary>True if the log ends elsewhere than this writer thought, so that trying again makes sense.</summary>
    private async Task<bool> RereadAsync()
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                var last = await _services.Store.LastShardSeqAsync(_shardId);
                var moved = last != _last;
                _last = last;
                _backoff.Reset();
                return moved;
            }
            catch (StoreException e)
            {
                await WaitAsync(e);
            }
        }

        return false;
    }

    /// <summary>Committed, Fenced, Conflict for "certainly not written", or Unknown if the shard closed first.</summary>
    private async Task<AppendResult> ResolveAsync(ShardBatch batch)
    {
        EntityLog.AppendUnknown(_services.Log, _shardId, _epoch, batch.Events.Count);
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                if (await TryResolveAsync(batch) is { } result)
                {
                    EntityLog.AppendResolved(_services.Log, _shardId, result == AppendResult.Conflict ? "not written" : result.ToString(), _epoch);
                    Readmit();
                    return result;
                }
            }
            catch (StoreException e)
            {
                await WaitAsync(e);
            }
        }

        return AppendResult.Unknown;
    }

    private async Task<AppendResult?> TryResolveAsync(ShardBatch batch)
    {
        // An earlier attempt to raise the epoch may itself have had an unknown outcome: then the row is ahead, but still ours.
        var row = await _services.Store.FindShardAsync(_shardId);
        if (row.Owner != _services.Node || row.Epoch < _epoch)
        {
            return AppendResult.Fenced;
        }

        if (await _services.Store.ClaimAsync(_shardId, row.Epoch, _services.Node) is not { } epoch)
        {
            return null;
        }

        Volatile.Write(ref _epoch, epoch);
        var there = await _services.Store.ReadShardAsync(_shardId, _last, new PageLimit(1, 1));
        if (there.Count == 0)
        {
            return AppendResult.Conflict;
        }

        var first = batch.Events[0];
        return there[0].Entity == first.Entity && there[0].Seq == first.Seq && there[0].Epoch == batch.Epoch
            ? AppendResult.Committed
            : AppendResult.Fenced;
    }

    /// <summary>Refuses what waits and what comes, so that callers hear of it at once, until the store answers again.</summary>
    private async Task WaitAsync(StoreException reason)
    {
        EntityAppend[] refused;
        lock (_gate)
        {
            _refusal ??= reason;
            refused = [.. _waiting];
            _waiting.Clear();
        }

        Fail(refused, reason);
        var wait = _backoff.Next();
        EntityLog.AppendUnresolved(_services.Log, reason, _shardId, wait);
        try
        {
            await Task.Delay(wait, _services.Runtime.Time, _closing.Token);
        }
        catch (OperationCanceledException)
        {
            // The loop sees that the shard closes.
            return;
        }
    }

    private void Readmit()
    {
        _backoff.Reset();
        lock (_gate)
        {
            if (_refusal is StoreException { Failure: not StoreFailure.Closed })
            {
                _refusal = null;
            }
        }
    }
}
