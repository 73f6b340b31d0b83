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

    /// <summary>What became of an append whose outcome the store did not tell.</summary>
    private enum Doubt
    {
        /// <summary>It is in the log, and the shard is still this node's.</summary>
        Landed,

        /// <summary>It is in the log, and then the shard got another owner.</summary>
        LandedBeforeTakeover,

        /// <summary>It is not in the log and never will be; the shard is still this node's.</summary>
        Lost,

        /// <summary>It is not in the log and never will be; the shard has another owner.</summary>
        LostToTakeover,

        /// <summary>The shard closed before the store let it find out.</summary>
        Unsolved,
    }

    private async Task<Doubt> ResolveAsync(ShardBatch batch)
    {
        EntityLog.AppendUnknown(_services.Log, _shardId, _epoch, batch.Events.Count);
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                if (await TryResolveAsync(batch) is { } result)
                {
                    EntityLog.AppendResolved(_services.Log, _shardId, result.ToString(), _epoch);
                    Readmit();
                    return result;
                }

                await WaitAsync(new StoreException(StoreFailure.Other, $"Shard {_shardId} could not be claimed again: this node is not, or no longer, trusted with it."));
            }
            catch (StoreException e)
            {
                await WaitAsync(e);
            }
        }

        return Doubt.Unsolved;
    }

    /// <summary>Null where the shard could not be claimed just now.</summary>
    private async Task<Doubt?> TryResolveAsync(ShardBatch batch)
    {
        // An earlier attempt to raise the epoch may itself have had an unknown outcome: then the row is ahead, but still ours.
        var row = await _services.Store.FindShardAsync(_shardId);
        if (row.Owner != _services.Node || row.Epoch < _epoch)
        {
            // The takeover has fenced the statement, but it may have landed just before: only the log can tell, and
            // saying "no effect" of what is in the log would be a lie to its sender.
            return await IsInLogAsync(batch) ? Doubt.LandedBeforeTakeover : Doubt.LostToTakeover;
        }

        if (await _services.Store.ClaimAsync(_shardId, row.Epoch, _services.Node) is not { } epoch)
        {
            return null;
        }

        Volatile.Write(ref _epoch, epoch);
        return await IsInLogAsync(batch) ? Doubt.Landed : Doubt.Lost;
    }

    /// <summary>Valid once the batch's epoch is no longer the shard's: then the log's next record, if any, decides.</summary>
    private async Task<bool> IsInLogAsync(ShardBatch batch)
    {
        var there = await _services.Store.ReadShardAsync(_shardId, batch.FirstShardSeq - 1, new PageLimit(1, 1));
        var first = batch.Events[0];
        return there.Count > 0 && there[0].Entity == first.Entity && there[0].Seq == first.Seq && there[0].Epoch == batch.Epoch;
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
